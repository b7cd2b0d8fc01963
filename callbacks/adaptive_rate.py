"""A learning rate that follows the training."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import keras

from sightkit._errors import SightkitError
from sightkit.callbacks.base import StatefulCallback, gain, monitored, rate_of, require_mode


class AdaptiveRate(StatefulCallback):
    """Lower the learning rate on a plateau, raise it when progress is steady but slow.

    After each epoch: a value that is better than the best by a share of more than ``flat`` is
    progress. ``patience`` epochs without progress are a plateau: the rate is multiplied by
    ``lower``, and never again raised to where the plateau was. ``steady`` epochs of progress in a
    row, each by a share of less than ``slow``, are slow: the rate is multiplied by ``higher``.
    A value that is not finite is no progress.

    Args:
        monitor: key of the epoch's logs.
        mode: ``"min"`` or ``"max"``: whether lower or higher is better.
        patience, lower, flat: of a plateau.
        steady, higher, slow: of slow progress.
        lowest: the rate is never lowered below this.
        highest: the rate is never raised above this; None: ten times the first rate.

    Attributes:
        best: best value so far, or None.
        waited: epochs since the last progress.
        gains: shares of the last epochs of progress.
        plateau: rate at the last plateau, or None. The rate itself is a variable of the optimizer.

    Raises:
        SightkitError: values that make no sense, or an optimizer with a schedule: one of the two
            must decide.
    """

    memory: ClassVar = {
        "best": float | None,
        "waited": int,
        "gains": list[float],
        "plateau": float | None,
        "highest": float | None,
    }

    def __init__(
        self,
        *,
        monitor: str = "val_loss",
        mode: str = "min",
        patience: int = 5,
        lower: float = 0.5,
        flat: float = 1e-4,
        steady: int = 5,
        higher: float = 1.5,
        slow: float = 0.01,
        lowest: float = 1e-7,
        highest: float | None = None,
    ) -> None:
        super().__init__()
        require_mode(mode)
        if patience < 1 or steady < 1 or not 0 < lower < 1 < higher:
            raise SightkitError(
                "patience and steady must be at least 1, lower between 0 and 1, higher above 1.",
                patience=patience,
                steady=steady,
                lower=lower,
                higher=higher,
            )
        if not 0 <= flat < slow or not lowest > 0:
            raise SightkitError(
                "flat must be at least 0 and below slow, lowest above 0.",
                flat=flat,
                slow=slow,
                lowest=lowest,
            )
        self.monitor = monitor
        self.mode = mode
        self.patience = patience
        self.lower = lower
        self.flat = flat
        self.steady = steady
        self.higher = higher
        self.slow = slow
        self.lowest = lowest
        self.highest = highest
        self.best: float | None = None
        self.waited = 0
        self.gains: list[float] = []
        self.plateau: float | None = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Raise if the rate is not this callback's to change."""
        rate = self.model.optimizer.learning_rate
        if not isinstance(rate, keras.Variable):
            raise SightkitError(
                "AdaptiveRate needs an optimizer with a number as its learning rate.",
                "Take the schedule out of the optimizer, or this callback out of the list.",
                optimizer=type(self.model.optimizer).__name__,
            )
        if self.highest is None:
            self.highest = 10 * rate_of(self.model)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Note the progress, and change the rate if it is time."""
        share = self._share(monitored(logs, self.monitor))
        if share > self.flat:
            self.waited = 0
            self.gains = [*self.gains, min(share, 1.0)][-self.steady :]
        else:
            self.waited += 1
            self.gains = []
        if self.waited >= self.patience:
            self.plateau = rate_of(self.model)
            self._change(max(self.plateau * self.lower, min(self.lowest, self.plateau)))
        elif len(self.gains) == self.steady and max(self.gains) < self.slow:
            rate = rate_of(self.model) * self.higher
            highest = math.inf if self.highest is None else self.highest
            if rate <= highest and (self.plateau is None or rate < self.plateau):
                self._change(rate)

    def _share(self, value: float) -> float:
        """Return the share by which a value is better than the best; of the first value, 1."""
        if not math.isfinite(value):
            return -1.0
        if self.best is None:
            self.best = value
            return 1.0
        share = gain(self.best, value, self.mode) / max(abs(self.best), 1e-12)
        if share > self.flat:
            self.best = value
        return share

    def _change(self, rate: float) -> None:
        self.waited, self.gains = 0, []
        self.model.optimizer.learning_rate = rate
