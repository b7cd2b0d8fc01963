"""A learning rate to begin with, by a range test that leaves the network as it was."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from sightkit._display import drawing, in_notebook, line
from sightkit._errors import SightkitError
from sightkit._network import build, require_compiled
from sightkit.io import ArrayBatches
from sightkit.training.restore import (
    restoring_network,
    restoring_random_state,
    set_steps_per_execution,
)

SMOOTHING = 0.9
"""Weight of the past in the smoothed loss; it is corrected for its start at 0."""
EXPLODED = 3.0
"""The test ends where the smoothed loss is this multiple of its lowest or of its first."""
BELOW_MINIMUM = 10.0
"""At the lowest loss the rate is too high already; a tenth of it is not (Smith 2015)."""
FALLEN = 0.02
"""A smaller share than this is no fall of the loss."""
ONSET = 0.1
"""Part of the whole fall after which the loss has left its first level."""


@dataclass(frozen=True)
class RangeTest:
    """Result of ``learning_rate_finder``.

    Attributes:
        rates: learning rate of each step.
        losses: loss of each step's batch, before the step.
        smoothed: the losses as a moving average.
        suggestion: a rate to begin with; None where no rate made the loss fall.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    suggestion: float | None

    @in_notebook
    def _repr_html_(self) -> Iterator[str]:
        """Curve and suggestion, in a notebook."""
        if self.suggestion is None:
            yield line(f"No rate made the loss fall, in {len(self.rates):,} steps.")
        else:
            yield line(f"Suggested learning rate: {self.suggestion:.2g}")
        if self.losses:
            from sightkit.callbacks.rate_picture import draw_rates

            yield drawing(
                lambda file: draw_rates(
                    self.rates, self.losses, self.smoothed, self.suggestion, file
                ),
                "Loss over learning rate",
                width=560,
            )


def learning_rate_finder(
    network: keras.Model,
    data: Any,
    *,
    lowest: float = 1e-6,
    highest: float = 10.0,
    steps: int = 100,
    picture: str | os.PathLike[str] | None = None,
) -> RangeTest:
    """Raise the learning rate from step to step, and find where the loss falls and explodes.

    The range test of Leslie N. Smith, "Cyclical Learning Rates for Training Neural Networks",
    2015 (arXiv:1506.01186). The suggestion is the rate at which the smoothed loss falls fastest,
    at most a tenth of that at which it is lowest. The steps are made with a new optimizer of the
    same kind: weights, optimizer, seeds of dropout, the order of the data and the random states of
    Python and NumPy are afterwards as if there had been no test, to the last bit.

    Args:
        network: compiled.
        data: batches (x, y) or (x, y, weights) of training data by index, a generator or a list;
            read from the first on, again and again if they are few. Or arrays, as a tuple: batches
            of 32.
        lowest, highest: rates of the first and the last step, on a logarithmic scale.
        steps: number of steps, at least 10; the test ends early when the loss explodes.
        picture: PNG to draw to, or None; nothing is drawn if the first loss is not finite.

    Raises:
        SightkitError: a network that is not compiled, no data, or rates that do not rise.
    """
    if isinstance(data, tuple):
        data = ArrayBatches(*data, shuffle=True)
    _require(network, data, lowest, highest, steps)
    rates = [float(rate) for rate in np.geomspace(lowest, highest, steps)]
    build(network, data[0][0])
    with restoring_random_state(), restoring_network(network), _new_optimizer(network, lowest):
        losses, smoothed = _losses(network, data, rates)
    found = RangeTest(
        tuple(rates[: len(losses)]), tuple(losses), tuple(smoothed), _suggest(rates, smoothed)
    )
    if picture is not None and losses:
        from sightkit.callbacks.rate_picture import draw_rates

        draw_rates(found.rates, found.losses, found.smoothed, found.suggestion, picture)
    return found


def _require(network: keras.Model, data: Any, lowest: float, highest: float, steps: int) -> None:
    require_compiled(network)
    if not len(data):
        raise SightkitError("The data must hold at least one batch.", batches=0)
    if not 0 < lowest < highest < math.inf or steps < 10:
        raise SightkitError(
            "lowest must be above 0 and below highest, steps at least 10.",
            lowest=lowest,
            highest=highest,
            steps=steps,
        )


@contextlib.contextmanager
def _new_optimizer(network: keras.Model, rate: float) -> Iterator[None]:
    """Give a network a new optimizer of the kind of its own, for a while."""
    own = network.optimizer
    inner = getattr(own, "inner_optimizer", own)
    network.optimizer = type(inner).from_config({**inner.get_config(), "learning_rate": rate})
    set_steps_per_execution(network, 1)
    try:
        yield
    finally:
        network.optimizer = own


def _losses(
    network: keras.Model, data: Any, rates: Sequence[float]
) -> tuple[list[float], list[float]]:
    """Train a batch at each rate until the loss explodes; return the losses, and smoothed."""
    losses, smoothed, mean = [], [], 0.0
    for step, rate in enumerate(rates):
        network.optimizer.learning_rate = rate
        loss = float(network.train_on_batch(*data[step % len(data)], return_dict=True)["loss"])
        if not math.isfinite(loss):
            break
        losses.append(loss)
        mean = SMOOTHING * mean + (1 - SMOOTHING) * loss
        smoothed.append(mean / (1 - SMOOTHING ** len(losses)))
        if step and smoothed[-1] > EXPLODED * max(abs(min(smoothed)), abs(smoothed[0])):
            break
    return losses, smoothed


def _suggest(rates: Sequence[float], smoothed: Sequence[float]) -> float | None:
    """Return where the smoothed loss falls fastest over the logarithm of the rate.

    Searched between the last step on the level of the beginning and the lowest loss: before that
    there is only noise, which falls fast too.
    """
    lowest = int(np.argmin(smoothed)) if len(smoothed) else 0
    if lowest < 2:
        return None
    values = np.asarray(smoothed)
    start = float(np.median(values[: max(2, lowest // 2)]))
    fall = start - values[lowest]
    if fall < FALLEN * abs(start):
        return None
    level = np.flatnonzero(values[:lowest] >= start - ONSET * fall)
    begin = int(level[-1]) if len(level) else 0
    slopes = np.gradient(values, np.log(rates[: len(values)]))
    falling = begin + int(np.argmin(slopes[begin : lowest + 1]))
    return min(rates[falling], rates[lowest] / BELOW_MINIMUM)
