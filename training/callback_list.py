"""The callbacks of a training that Keras' ``fit`` carries out in one call or two."""

from __future__ import annotations

from typing import Any

import keras

from sightkit.training.state import TrainingState


class TrainingCallbacks(keras.callbacks.CallbackList):
    """Keras' list, for which two calls of Keras' ``fit`` are one training.

    Args:
        batches: of a whole epoch.

    Attributes:
        first_batch: number of the batch with which the running ``fit`` begins its epoch.
    """

    def __init__(self, callbacks: list[keras.callbacks.Callback], batches: int, **options: Any):
        super().__init__(callbacks, steps=batches, **options)
        self.batches = batches
        self.first_batch = 0

    def begin(self) -> None:
        """Call ``on_train_begin`` of all: the training begins."""
        super().on_train_begin()

    def end(self) -> None:
        """Call ``on_train_end`` of all: the training has ended."""
        super().on_train_end()

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Do nothing: a ``fit`` begins, not the training."""

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Do nothing: a ``fit`` ends, not the training."""

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Number batches as in a whole epoch."""
        super().on_train_batch_begin(batch + self.first_batch, logs)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Number batches as in a whole epoch.

        Of several steps an execution Keras counts all, the last time too, when fewer are left.
        """
        super().on_train_batch_end(min(batch + self.first_batch, self.batches - 1), logs)


class SetEpoch(keras.callbacks.Callback):
    """Sets the epoch of the data before Keras reads the first batch of it."""

    def __init__(self, data: Any, state: TrainingState) -> None:
        super().__init__()
        self.data = data
        self.state = state

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Begin a whole epoch, or the rest of the one that was left."""
        left = self.state.position
        if epoch == left.epoch and left.batch:
            self.data.set_epoch(epoch, left.batch)
            self.state.restore_metrics()  # Keras has just set them to zero
        else:
            self.data.set_epoch(epoch)
