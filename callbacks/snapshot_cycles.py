"""Several networks out of one training: cycles of the rate, and the weights at their ends."""

from __future__ import annotations

import os
from typing import Any

import keras

from sightkit._errors import SightkitError
from sightkit.callbacks.epoch_checkpoint import EpochCheckpoint


class SnapshotCycles(EpochCheckpoint):
    """Let the learning rate fall to zero several times, and save the weights of each low.

    The rate falls along half a cosine within each cycle of n steps and jumps back at its end:
    α(t) = α₀ / 2 · (cos(π · mod(t, n) / n) + 1). It takes the place of the rate or schedule that
    the optimizer was made with, and, being a function of the step, is the same in a training that
    is resumed.

    Args:
        folder: of the files ``epoch-00010.weights.h5``, one at the end of each cycle.
        every: epochs of a cycle; for M snapshots the training's epochs divided by M.
        highest: α₀, at the beginning of each cycle.

    Attributes:
        saved: epochs, from 0, whose files exist.

    Raises:
        SightkitError: ``every`` below 1, or a rate that is not above 0.

    Reference:
        Huang, Li, Pleiss, Liu, Hopcroft and Weinberger, "Snapshot ensembles: train 1, get M for
        free", 2017 (arXiv:1704.00109); the schedule is Loshchilov and Hutter's, 2016.
    """

    def __init__(self, folder: str | os.PathLike[str], *, every: int, highest: float) -> None:
        super().__init__(folder, every=every)
        if not highest > 0:
            raise SightkitError("The highest rate must be above 0.", highest=highest)
        self.highest = highest

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Give the optimizer the cycles."""
        if not self.params:
            return
        self.model.optimizer.learning_rate = keras.optimizers.schedules.CosineDecayRestarts(
            self.highest, self.every * self.params["steps"], t_mul=1.0
        )
        self.model.make_train_function(force=True)  # one that ran before has the former rate
