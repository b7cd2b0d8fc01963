"""``--optimizer``, its rate, gradient noise and the average of its steps' weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from sightkit._errors import SightkitError
from sightkit.experiments.flags.base import Readers
from sightkit.experiments.flags.schedule import ScheduleFlags, make_schedule

if TYPE_CHECKING:
    import keras

OptimizerName = Literal["sgd", "rmsprop", "adam", "adamw", "nadam", "adamax", "adagrad", "adadelta"]
CLASSES = {
    "sgd": "SGD",
    "rmsprop": "RMSprop",
    "adam": "Adam",
    "adamw": "AdamW",
    "nadam": "Nadam",
    "adamax": "Adamax",
    "adagrad": "Adagrad",
    "adadelta": "Adadelta",
}
"""Names to classes of ``keras.optimizers``."""
READS: Readers = {**dict.fromkeys(CLASSES, ()), "sgd": ("momentum", "nesterov")}
AVERAGED = 0.25
"""Share of the steps, the last, whose weights ``--average-weights`` averages."""


@dataclass(frozen=True, kw_only=True)
class OptimizerFlags(ScheduleFlags):
    """The optimizer.

    Raises:
        SightkitError: an unknown optimizer, a rate that is not above 0, a number out of range, or
            momentum for an optimizer that has none.
    """

    choices: ClassVar[Mapping[str, Readers]] = {**ScheduleFlags.choices, "optimizer": READS}

    optimizer: OptimizerName = "adam"
    """Rule of the steps, with Keras' own constants."""
    learning_rate: float = 1e-3
    """Learning rate, the highest of the schedule."""
    momentum: float = 0.0
    """Momentum of ``sgd``."""
    nesterov: bool = False
    """Nesterov's momentum in place of the classical one."""
    shift_rate: float = 1.0
    """Learning rate of what batch normalization adds (its beta), relative to all others: 64 in the
    fastest recipes."""
    gradient_noise: float = 0.0
    """Variance of normal noise on the gradients of the first step (0.01, 0.3 and 1.0 are usual);
    in step t it is divided by (1 + t) ** 0.55."""
    average_weights: bool = False
    """End with the mean of the weights of the last quarter's epochs, where its validation loss is
    lower than that of the best epoch."""

    def __post_init__(self) -> None:
        """Check the values."""
        super().__post_init__()
        if not self.learning_rate > 0:
            raise SightkitError(
                "--learning-rate must be a number above 0.",
                "Give --learning-rate 0.001, for example.",
                learning_rate=self.learning_rate,
            )
        self.require_read("optimizer")
        if not 0 <= self.momentum < 1:
            raise SightkitError("--momentum must be from 0 to below 1.", momentum=self.momentum)
        if self.nesterov and not self.momentum and self.optimizer == "sgd":
            raise SightkitError(
                "--nesterov needs a momentum.", "Give --momentum 0.9, or --no-nesterov."
            )
        if not self.shift_rate > 0:
            raise SightkitError("--shift-rate must be above 0.", shift_rate=self.shift_rate)
        if not self.gradient_noise >= 0:
            raise SightkitError(
                "--gradient-noise must be at least 0.", gradient_noise=self.gradient_noise
            )


def make_optimizer(
    flags: OptimizerFlags, epochs: int, steps: int, seed: int
) -> keras.optimizers.Optimizer:
    """Return the optimizer of a training.

    Args:
        flags: of optimizer and schedule.
        epochs: of the training.
        steps: batches an epoch.
        seed: of gradient noise.
    """
    import keras

    from sightkit import training

    made = getattr(keras.optimizers, CLASSES[flags.optimizer])
    if flags.shift_rate != 1:
        made = training.with_rate_multipliers(made, {"beta": flags.shift_rate})
    if flags.gradient_noise:
        made = training.with_gradient_noise(made, eta=flags.gradient_noise, seed=seed)
    if flags.average_weights:  # those at the end of each epoch
        first = epochs - max(1, round(AVERAGED * epochs))
        made = training.with_weight_average(made, start=(first + 1) * steps - 1, every=steps)
    rate = make_schedule(flags, flags.learning_rate, epochs, steps)
    options = {"momentum": flags.momentum, "nesterov": flags.nesterov}
    return made(rate, **options) if flags.optimizer == "sgd" else made(rate)


def use_better_average(network: keras.Model, train: Any, validation: Any) -> None:
    """Give a network the average of its weights, where its validation loss is lower; report it.

    Args:
        network: trained, with the weights of its best epoch.
        train: training data, for the statistics of batch normalization.
        validation: to compare on.
    """
    from sightkit import training

    if not network.optimizer.averaged:
        print("The training stopped before there were weights to average.")
        return
    best = network.get_weights()
    before = network.evaluate(validation, verbose=0, return_dict=True)["loss"]
    training.use_average(network, train)
    after = network.evaluate(validation, verbose=0, return_dict=True)["loss"]
    if not after < before:
        network.set_weights(best)
    print(
        f"Validation loss {after:.4f} with averaged weights, {before:.4f} with the best epoch's: "
        f"{'averaged' if after < before else 'the best epoch'} it is."
    )
