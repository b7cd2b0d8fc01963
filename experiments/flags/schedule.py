"""``--schedule``: how the learning rate changes in the course of a training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from sightkit._errors import SightkitError
from sightkit.experiments.flags.base import Flags, Readers

if TYPE_CHECKING:
    import keras

ScheduleName = Literal[
    "cosine",
    "one_cycle",
    "linear",
    "polynomial",
    "step",
    "exponential",
    "standard",
    "adaptive",
    "constant",
]
READS: Readers = {
    "cosine": ("rise",),
    "one_cycle": ("rise",),
    "linear": (),
    "polynomial": ("power",),
    "step": ("drop_factor", "drop_by", "drop_every"),
    "exponential": ("drop_factor", "drop_every"),
    "standard": ("decay",),
    "adaptive": ("drop_factor", "drop_every"),
    "constant": (),
}
"""The flags that each schedule reads."""
FACTOR, EVERY, POWER, PATIENCE, RISE = 0.5, 10, 2.0, 5, 0.3


@dataclass(frozen=True, kw_only=True)
class ScheduleFlags(Flags):
    """The schedule and its parameters; None is the schedule's own default.

    Raises:
        SightkitError: an unknown schedule, a parameter out of range or that it does not read.
    """

    choices: ClassVar[Mapping[str, Readers]] = {"schedule": READS}

    schedule: ScheduleName = "cosine"
    """Course of the learning rate. To zero: ``cosine``, ``linear``, ``polynomial``, ``one_cycle``
    (which rises first). In stairs: ``step``. Without an end: ``exponential``, ``standard`` (the
    decay of Keras' old SGD), ``constant``. By the validation loss: ``adaptive``."""
    rise: float | None = None
    """Share of the steps in which the rate rises first (a warm-up): 0 with ``cosine``, 0.3 with
    ``one_cycle``."""
    power: float | None = None
    """Exponent p of ``polynomial``, 2: the rate times (1 - share of the steps) ** p."""
    drop_factor: float | None = None
    """Factor of each drop of ``step``, ``exponential`` and ``adaptive``: 0.5."""
    drop_by: float | None = None
    """Amount of each drop of ``step``, in place of a factor."""
    drop_every: int | None = None
    """Epochs between two drops: 10; of ``adaptive`` epochs without progress before one: 5."""
    decay: float | None = None
    """Decay d of ``standard``: the rate divided by 1 + d * step; the rate over the epochs."""

    def __post_init__(self) -> None:
        """Check the parameters against the schedule."""
        super().__post_init__()
        self.require_read("schedule")
        for name in ("rise", "drop_factor"):
            value = getattr(self, name)
            if value is not None and not 0 < value < 1:
                flag = f"--{name.replace('_', '-')}"
                rule = f"{flag} must be between 0 and 1."
                raise SightkitError(rule, f"Give {flag} 0.5, or leave it out.", **{name: value})
        for name in ("power", "decay", "drop_by", "drop_every"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                flag = f"--{name.replace('_', '-')}"
                rule = f"{flag} must be above 0."
                raise SightkitError(rule, "Leave it out for the default.", **{name: value})
        if self.drop_by is not None and self.drop_factor is not None:
            raise SightkitError(
                "A drop has a --drop-factor or an amount, --drop-by: give one.",
                drop_factor=self.drop_factor,
                drop_by=self.drop_by,
            )


def make_schedule(flags: ScheduleFlags, rate: float, epochs: int, steps: int) -> Any:
    """Return the learning rate of an optimizer: a number, or a function of the step.

    Args:
        flags: of the schedule.
        rate: the highest; that at the start, but of ``one_cycle`` and with a ``rise``.
        epochs: of the training.
        steps: batches an epoch.
    """
    from keras.optimizers import schedules

    from sightkit import callbacks

    total = epochs * steps
    factor, every = flags.drop_factor or FACTOR, flags.drop_every or EVERY
    match flags.schedule:
        case "cosine" if flags.rise:
            return callbacks.warmed_cosine(rate, total, flags.rise)
        case "cosine":
            return schedules.CosineDecay(rate, total)
        case "one_cycle":
            return callbacks.OneCycle(rate, total, rise=flags.rise or RISE)
        case "linear":
            return schedules.PolynomialDecay(rate, total, 0.0)
        case "polynomial":
            return schedules.PolynomialDecay(rate, total, 0.0, power=flags.power or POWER)
        case "step" if flags.drop_by:
            return callbacks.ManualDrops(_by_amount(rate, flags.drop_by, every, epochs), steps)
        case "step":
            return callbacks.StepDrop(rate, steps, factor, every)
        case "exponential":
            return schedules.ExponentialDecay(rate, every * steps, factor)
        case "standard":
            return schedules.InverseTimeDecay(rate, 1, flags.decay or rate / epochs)
    return rate


def schedule_callbacks(flags: ScheduleFlags) -> list[keras.callbacks.Callback]:
    """Return what changes the rate between epochs, where the schedule is ``adaptive``."""
    if flags.schedule != "adaptive":
        return []
    from sightkit.callbacks import AdaptiveRate

    patience, lower = flags.drop_every or PATIENCE, flags.drop_factor or FACTOR
    return [AdaptiveRate(patience=patience, lower=lower)]


def require_rate_left(flags: ScheduleFlags, rate: float, epochs: int) -> None:
    """Raise where drops by an amount leave no rate before the last epoch."""
    if flags.schedule == "step" and flags.drop_by:
        every = flags.drop_every or EVERY
        if not rate - flags.drop_by * (epochs // every) > 0:
            raise SightkitError(
                "The learning rate must stay above 0 after all drops (--drop-by, --drop-every).",
                f"Give --drop-by {rate / (epochs // every + 1):.2g}, for example.",
                learning_rate=rate,
                drop_by=flags.drop_by,
                drops=epochs // every,
            )


def _by_amount(rate: float, amount: float, every: int, epochs: int) -> list[tuple[int, float]]:
    """Return pairs (epoch, rate): drops come when those of ``StepDrop`` do."""
    drops = {drop * every - 1: rate - drop * amount for drop in range(1, epochs // every + 1)}
    return sorted(({0: rate} | drops).items())
