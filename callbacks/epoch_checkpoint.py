"""Save the weights of every N-th epoch."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, ClassVar

from sightkit import _files
from sightkit._errors import SightkitError
from sightkit._network import save_weights
from sightkit.callbacks.base import StatefulCallback


class EpochCheckpoint(StatefulCallback):
    """Save the weights every N epochs, each time to a file of its own, atomically.

    These are for looking back (a picture of the filters over time, an average of snapshots). Keras
    puts the optimizer's variables into them too, so that each is two or three times the weights.
    To resume after a kill ``training.fit`` saves the complete state by itself, every epoch.

    Args:
        folder: of the files ``epoch-00010.weights.h5`` (epochs from 1); made if it is missing.
        every: number of epochs between two files.
        keep: number of newest files that stay; None keeps all.

    Attributes:
        saved: epochs, from 0, whose files exist; after a resume, those of later epochs are replaced
            when their epoch comes again.

    Raises:
        SightkitError: ``every`` or ``keep`` below 1, or, while saving, a full disk; the files
            that were there are untouched then.
    """

    memory: ClassVar = {"saved": list[int]}

    def __init__(
        self, folder: str | os.PathLike[str], *, every: int = 1, keep: int | None = None
    ) -> None:
        super().__init__()
        if every < 1 or (keep is not None and keep < 1):
            raise SightkitError(
                "every must be at least 1, and so must keep (or be None, for all).",
                every=every,
                keep=keep,
            )
        self.folder = Path(folder)
        self.every = every
        self.keep = keep
        self.saved: list[int] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Save if the epoch's number is a multiple of ``every``; remove the oldest files."""
        if (epoch + 1) % self.every:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        with _files.replacing(self.path(epoch)) as temporary:
            save_weights(self.model, temporary)
        self.saved = [*(old for old in self.saved if old != epoch), epoch]
        if self.keep is not None:
            for old in self.saved[: -self.keep]:
                self.path(old).unlink(missing_ok=True)
            self.saved = self.saved[-self.keep :]

    def path(self, epoch: int) -> Path:
        """The file of an epoch, from 0."""
        return self.folder / f"epoch-{epoch + 1:05d}.weights.h5"
