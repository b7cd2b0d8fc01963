"""Learning rates that Keras lacks, as pure functions of the global step: nothing to save or lose.

Keras has the others (``keras.optimizers.schedules``): ``InverseTimeDecay`` (the "standard" decay,
α₀ / (1 + α₀/epochs · step), is ``InverseTimeDecay(rate, 1, rate / epochs)``), ``PolynomialDecay``,
``ExponentialDecay`` and ``CosineDecay`` with its warm-up. Its ``PiecewiseConstantDecay`` changes
the rate one step late, and what falls in stairs counts steps in float32, which knows no odd number
above 16,777,216: ``ManualDrops`` and ``StepDrop`` count in integers.

The step is the optimizer's count of updates, which every checkpoint holds; a resumed run
therefore has the rate of the uninterrupted one at every step. They are written in ``keras.ops``
and float32, so that they are the same on each backend, and can be serialized with the optimizer.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from sightkit._errors import SightkitError

register = keras.saving.register_keras_serializable(package="sightkit")


class Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """Base: a frozen dataclass whose fields are its configuration.

    Called with a step (int, or an integer scalar of the backend); returns a float32 scalar.
    """

    def get_config(self) -> dict[str, Any]:
        """The arguments, as JSON."""
        return dataclasses.asdict(self)  # type: ignore[call-overload]


@register
@dataclass(frozen=True)
class StepDrop(Schedule):
    """α₀ · F^⌊(1 + E) / D⌋ in epoch E, counted from 0.

    Args:
        initial: α₀.
        steps_per_epoch: batches an epoch: ``len(train)``.
        factor: F, 0.5 or 0.1; 0.25 falls too fast (notes S0).
        every: D, epochs between two drops.
    """

    initial: float
    steps_per_epoch: int
    factor: float = 0.5
    every: int = 10

    def __post_init__(self) -> None:
        """Check the values."""
        _require_above_zero(self, "initial", "steps_per_epoch", "factor", "every")

    def __call__(self, step: Any) -> Any:
        """The rate at a step."""
        drops = ops.cast((1 + _epoch(step, self.steps_per_epoch)) // self.every, "float32")
        return self.initial * ops.power(ops.cast(self.factor, "float32"), drops)


@register
@dataclass(frozen=True)
class OneCycle(Schedule):
    """Smith's one cycle: half a cosine up to ``highest``, half a cosine down to almost nothing.

    Leslie N. Smith and Nicholay Topin, "Super-Convergence", 2017 (arXiv:1708.07120), with cosines
    in place of lines, as is usual today. The paper also lowers the momentum while the rate is
    high; Keras' momentum is a constant, and stays one.

    Args:
        highest: the peak; ``training.learning_rate_finder`` suggests it.
        steps: ``epochs * len(train)``.
        rise: part of the steps in which the rate rises, between 0 and 1.
        start_divisor: the rate begins at ``highest / start_divisor``
        end_divisor: and ends at that divided by ``end_divisor``.
    """

    highest: float
    steps: int
    rise: float = 0.3
    start_divisor: float = 25.0
    end_divisor: float = 1e4

    def __post_init__(self) -> None:
        """Check the values."""
        _require_above_zero(self, "highest", "steps", "start_divisor", "end_divisor")
        if not 0 < self.rise < 1:
            raise SightkitError("rise must be between 0 and 1.", rise=self.rise)

    def __call__(self, step: Any) -> Any:
        """The rate at a step."""
        start = self.highest / self.start_divisor
        end = start / self.end_divisor
        peak = self.rise * self.steps
        number = ops.cast(step, "float32")
        up, down = number / peak, (number - peak) / (self.steps - peak)
        return ops.where(
            number < peak,
            start + (self.highest - start) * _cosine(up),
            self.highest + (end - self.highest) * _cosine(down),
        )


@register
@dataclass(frozen=True)
class ManualDrops(Schedule):
    """Rates set by hand: each from its epoch on.

    Args:
        rates: pairs (epoch, rate); the first epoch is 0, they rise.
        steps_per_epoch: batches an epoch: ``len(train)``.

    Example:
        >>> ManualDrops([(0, 0.01), (50, 0.001), (65, 0.0001)], steps_per_epoch=391)
        ManualDrops(rates=((0, 0.01), (50, 0.001), (65, 0.0001)), steps_per_epoch=391)
    """

    rates: Sequence[Sequence[float]]
    steps_per_epoch: int

    def __post_init__(self) -> None:
        """Check the values; lists, as JSON has them, become tuples."""
        pairs = tuple((int(epoch), float(rate)) for epoch, rate in self.rates)
        object.__setattr__(self, "rates", pairs)
        _require_above_zero(self, "steps_per_epoch")
        epochs = [epoch for epoch, _ in pairs]
        if not epochs or epochs[0] != 0 or sorted(set(epochs)) != epochs:
            raise SightkitError("The epochs must begin with 0 and rise.", rates=pairs)
        if not all(math.isfinite(rate) and rate > 0 for _, rate in pairs):
            raise SightkitError("Each rate must be a number above 0.", rates=pairs)

    def __call__(self, step: Any) -> Any:
        """The rate at a step."""
        epoch = _epoch(step, self.steps_per_epoch)
        value = ops.cast(self.rates[0][1], "float32")
        for first, rate in self.rates[1:]:
            value = ops.where(epoch >= first, ops.cast(rate, "float32"), value)
        return value


def _cosine(part: Any) -> Any:
    """0 at 0, 1 at 1, flat at both."""
    return 0.5 * (1.0 - ops.cos(math.pi * ops.clip(part, 0.0, 1.0)))


def _epoch(step: Any, steps_per_epoch: int) -> Any:
    """In integers: float32 knows no odd number above 16,777,216."""
    return ops.cast(step, "int32") // steps_per_epoch


def _require_above_zero(schedule: Schedule, *names: str) -> None:
    for name in names:
        value = getattr(schedule, name)
        if not (math.isfinite(value) and value > 0):
            raise SightkitError(f"{name} must be a number above 0.", "", **{name: value})


def warmed_cosine(
    highest: float, steps: int, rise: float
) -> keras.optimizers.schedules.LearningRateSchedule:
    """Return Keras' cosine decay to 0, after a share of the steps in which the rate rises."""
    rising = round(rise * steps)
    return keras.optimizers.schedules.CosineDecay(
        0.0, max(1, steps - rising), warmup_target=highest, warmup_steps=max(1, rising)
    )
