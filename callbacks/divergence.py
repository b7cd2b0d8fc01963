"""Detect from losses that a training does not come back."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import fmean, median
from typing import Any

from sightkit._schema import checked

SHORTEST, LONGEST = 16, 300
"""Steps of a stretch; epochs shorter than the one are taken together."""
PROBE = 64
"""Images by which it is decided whether one class is predicted for all."""
NO_BETTER_THAN_CHANCE, FALLS_NO_MORE = 0.98, 0.9
"""Least shares: of the loss of chance, and of the first half's loss in the second half."""
BEYOND = 1e4
"""Multiple of the limit from which Keras' mean over the epoch, float32, hides later losses."""
CERTAIN_AND_WRONG = -0.9 * math.log(1e-7)
"""Nine tenths of the largest crossentropy of probabilities that Keras clips at 1e-7."""


def stretch_of(steps: int | None) -> int:
    """Steps of a stretch: an epoch, an equal part of it, or a few short ones together."""
    if not steps:
        return LONGEST
    if steps < SHORTEST:
        return steps * math.ceil(SHORTEST / steps)
    return math.ceil(steps / math.ceil(steps / LONGEST))


class DivergenceDetector:
    """Three signs that a training does not come back, detected in the loss of each batch.

    1. A loss of NaN or infinity.
    2. A stretch (an epoch, or an equal part of it of at most 300 steps) whose median loss is above
       the limit and whose second half is no lower than its first. Falling or not: a mean of ten
       thousand times the limit, or one that is above it still in the second half of the stretch
       after the one that passed it.
    3. Death after a burst: a stretch after the loss passed the limit it is no better than chance,
       falls no more, and one class is predicted for all of a probe.

    Adam and RMSprop begin many healthy trainings with a burst of three to 75 times the first
    loss, which is above the limit for up to 13 steps. Stretches of eight steps stopped such
    trainings, so epochs shorter than sixteen are taken together. A median, because one batch can
    lose a thousand times the rest. Rates far too high make losses of 1e15 that fall for epochs and
    do not come back, hence "falling or not". All of it was chosen on, and is tested on, the series
    of benchmarks/divergence.py.

    The limit is ``factor`` times the first loss, which Keras computes before the first step. For a
    crossentropy the start counts as at least log C (a fine-tuned network begins with a lower loss,
    and may), and the limit as at most 14.5 above it: clipped probabilities can lose no more than
    16.1. A start at or below 0 has no multiple; then only NaN and infinity are signs.

    Args:
        factor: multiple of the first loss that is too much; S2's lecture notes stop at three.

    Attributes:
        chance: crossentropy of a network that knows nothing, log C; None for other losses, whose
            death is not detected.
        initial: the first loss.
    """

    def __init__(self, factor: float = 3.0) -> None:
        self.factor = factor
        self.chance: float | None = None
        self.initial: float | None = None
        self._losses: list[float] = []
        self._passed = False

    @property
    def limit(self) -> float:
        """Loss above which a training may have diverged."""
        initial = math.inf if self.initial is None else self.initial
        if self.chance is None:
            return self.factor * initial if initial > 0 else math.inf
        rest = max(initial - self.chance, 0.0)  # penalties on weights are part of the loss
        return min(self.factor * max(initial, self.chance), rest + CERTAIN_AND_WRONG)

    def observe(
        self,
        loss: float,
        *,
        batch: int,
        steps: int | None,
        one_class: Callable[[], bool],
        batches: int = 1,
    ) -> str | None:
        """Take the loss of a batch, or the mean of several; return what is wrong, or None.

        Args:
            loss: of the batch.
            batch: number of the (last) batch in its epoch, from 0.
            steps: batches of an epoch, if that is known.
            one_class: returns True if one class is predicted for all of a probe; called only
                where that decides.
            batches: that the loss is the mean of.
        """
        if not math.isfinite(loss):
            return f"the loss became {loss}"
        if self.initial is None:
            self.initial = loss
        self._losses += [loss] * batches
        length = stretch_of(steps)
        epoch_ends = steps is not None and length <= steps <= batch + 1
        if len(self._losses) >= length or epoch_ends:
            return self._compare(one_class)
        return None

    def _compare(self, one_class: Callable[[], bool]) -> str | None:
        """End a stretch: look for the two signs that take one."""
        losses, self._losses = self._losses, []
        passed, self._passed = self._passed, max(losses) > self.limit
        half = len(losses) // 2
        first, second = median(losses[:half]), median(losses[half:])
        since = f"the first was {self.initial:.4g}"
        if median(losses) > self.limit and second >= first:
            middle = median(losses)
            return f"over {len(losses)} steps the loss is {middle:.4g} and does not fall, {since}"
        if fmean(losses) > BEYOND * self.limit:
            return f"over {len(losses)} steps the loss is on average {fmean(losses):.4g}, {since}"
        if passed and fmean(losses[half:]) > self.limit:
            late = fmean(losses[half:])
            return f"{len(losses)} steps after a burst the loss is still {late:.4g}, {since}"
        if (
            passed
            and self.chance is not None
            and second >= max(NO_BETTER_THAN_CHANCE * self.chance, FALLS_NO_MORE * first)
            and one_class()
        ):
            return (
                f"after a burst the loss is {second:.4g}, no better than chance, and one class is "
                f"predicted for all of {PROBE} images"
            )
        return None

    def get_state(self) -> dict[str, Any]:
        """The losses of the stretch so far, as JSON."""
        return {"initial": self.initial, "losses": list(self._losses), "passed": self._passed}

    def set_state(self, state: dict[str, Any]) -> None:
        """Remember it; a state of other types raises ``ValueError``."""
        self.initial = checked(state["initial"], float | None)
        self._losses = checked(state["losses"], list[float])
        self._passed = checked(state["passed"], bool)
