"""Stop when nothing improves any more, and end with the best weights."""

from __future__ import annotations

import os
from typing import Any

from sightkit._errors import SightkitError
from sightkit.callbacks.base import gain
from sightkit.callbacks.best_checkpoint import BestCheckpoint


class EarlyStopping(BestCheckpoint):
    """A ``BestCheckpoint`` that also stops, and restores the best weights when training ends.

    They are restored however it ends: Keras' own callback leaves the last weights where the
    number of epochs is reached first (keras#12511). The file holds the best, so that a resumed
    run can restore an epoch that an earlier process trained. NaN is no improvement.

    Args:
        path: file of the best weights, ending in ``.weights.h5``.
        patience: epochs without an improvement after which training stops.
        min_delta: by how much a value must be better than the last improvement to be one; the
            weights are saved for any value that is better.
        monitor: key of the epoch's logs.
        mode: ``"min"`` or ``"max"``: whether lower or higher is better.
        keep: as in ``BestCheckpoint``.

    Attributes:
        waited: epochs since the last improvement.
        reference: value of the last improvement, or None.
        stopped_epoch: the epoch, from 0, after which training was stopped, or None.
    """

    memory = (*BestCheckpoint.memory, "waited", "reference", "stopped_epoch")

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        patience: int = 20,
        min_delta: float = 0.0,
        monitor: str = "val_loss",
        mode: str = "min",
        keep: str = "best",
    ) -> None:
        super().__init__(path, monitor=monitor, mode=mode, keep=keep)
        if patience < 1 or not min_delta >= 0:
            raise SightkitError(
                "patience must be at least 1 and min_delta at least 0.",
                patience=patience,
                min_delta=min_delta,
            )
        self.patience = patience
        self.min_delta = min_delta
        self.waited = 0
        self.stopped_epoch: int | None = None
        self.reference: float | None = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Wait anew if an earlier training was stopped and is taken up again."""
        if self.stopped_epoch is not None:
            self.waited, self.stopped_epoch = 0, None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Save if this epoch is the best; stop if the last improvement is too long ago."""
        super().on_epoch_end(epoch, logs)
        self.waited += 1
        if self.best is not None and gain(self.reference, self.best, self.mode) > self.min_delta:
            self.reference = self.best
            self.waited = 0
        if self.waited >= self.patience:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Give the model the weights of the best epoch."""
        super().on_train_end(logs)
        self.restore()
