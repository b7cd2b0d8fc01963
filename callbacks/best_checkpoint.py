"""Save the weights of the best epoch."""

from __future__ import annotations

import glob
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from sightkit import _files
from sightkit._errors import SightkitError
from sightkit._network import save_weights
from sightkit.callbacks.base import StatefulCallback, gain, monitored, require_mode
from sightkit.callbacks.best_epoch import best_row

if TYPE_CHECKING:
    import keras

WEIGHTS = ".weights.h5"


class BestCheckpoint(StatefulCallback):
    """Save the weights whenever the monitored value improves.

    With ``images`` an epoch can be the best only if its accuracy is within its standard error of
    the highest so far. On few photos the loss alone is often lowest while a network still guesses:
    later it is right more often, and surer where it is wrong.

    NaN and infinity are never best. A resumed run does not forget what its best was. The file is
    replaced atomically, and until the training ends the former best is beside it: a run that is
    killed before its checkpoint knows of the new best goes on from the former.

    Args:
        path: file to write, ending in ``.weights.h5``; the former best is ``former-<name>``.
        monitor: key of the epoch's logs, for example ``val_loss`` or ``val_accuracy``.
        mode: ``"min"`` or ``"max"``: whether lower or higher is better.
        keep: ``"best"``: one file, the best; ``"improvements"``: beside it a file for each epoch
            that was the best when it ended, ``<stem>-epoch-00007.weights.h5`` (epochs from 1).
        images: number of those that ``val_accuracy`` is of, where the logs have it.

    Attributes:
        best: value of the best epoch so far, or None.
        best_epoch: its epoch, from 0, or None.
        accuracy: its accuracy, or None.
        highest: highest accuracy so far, 0–1.
        sha256: hash of its file, or None.

    Reference:
        Breiman, Friedman, Olshen and Stone, "Classification and regression trees", 1984: the rule
        of one standard error.
    """

    memory: ClassVar = {
        "best": float | None,
        "best_epoch": int | None,
        "accuracy": float | None,
        "highest": float,
        "sha256": str | None,
    }

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        monitor: str = "val_loss",
        mode: str = "min",
        keep: str = "best",
        images: int | None = None,
    ) -> None:
        super().__init__()
        self.path = Path(path)
        self.former = self.path.with_name(f"former-{self.path.name}")
        if not self.path.name.endswith(WEIGHTS):
            raise SightkitError("The file's name must end in .weights.h5.", path=str(path))
        require_mode(mode)
        if keep not in ("best", "improvements"):
            raise SightkitError('keep must be "best" or "improvements".', keep=keep)
        self.monitor = monitor
        self.mode = mode
        self.keep = keep
        self.images = images
        self.best: float | None = None
        self.best_epoch: int | None = None
        self.accuracy: float | None = None
        self.highest = 0.0
        self.sha256: str | None = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Save if this epoch is the best."""
        value = monitored(logs, self.monitor)
        accuracy = (logs or {}).get("val_accuracy") if self.images else None
        if math.isfinite(value) and self._improves(value, accuracy):
            self.accuracy = None if accuracy is None else float(accuracy)
            self.keep_present(epoch, value)
            if self.keep == "improvements":
                _files.link(self.path, self.improvement(epoch))

    def _improves(self, value: float, accuracy: Any) -> bool:
        """Return whether an epoch is better than the best so far."""
        if self.images and accuracy is not None:
            self.highest = max(self.highest, float(accuracy))
            error = math.sqrt(self.highest * (1 - self.highest) / self.images)
            if accuracy < self.highest - error:
                return False
            if self.accuracy is not None and self.accuracy < self.highest - error:
                return True
        return gain(self.best, value, self.mode) > 0

    def keep_present(self, epoch: int, value: float) -> None:
        """Save the weights as they are: those of an epoch, from 0, whose value is the best."""
        if self.path.exists():
            _files.link(self.path, self.former)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with _files.replacing(self.path) as temporary:
            save_weights(self.model, temporary)
        self.best, self.best_epoch = value, epoch
        self.sha256 = _files.sha256(self.path)

    def continue_from(self, model: keras.Model, rows: Sequence[Mapping[str, float]]) -> None:
        """Take the weights that a phase begins with as the best so far, by the rows before it."""
        if (row := best_row(rows)) is not None:
            self.highest = max(each.get("val_accuracy", 0.0) for each in rows)
            self.accuracy = row.get("val_accuracy")
            self.set_model(model)
            self.keep_present(int(row["epoch"]) - 1, row[self.monitor])

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Remove the former best: the last checkpoint is written."""
        self.former.unlink(missing_ok=True)

    def improvement(self, epoch: int) -> Path:
        """The file of an epoch (from 0) that was the best when it ended."""
        stem = self.path.name.removesuffix(WEIGHTS)
        return self.path.with_name(f"{stem}-epoch-{epoch + 1:05d}{WEIGHTS}")

    def restore(self) -> None:
        """Give the model the weights of the best epoch, if there was one.

        Raises:
            SightkitError: the file is not the one that was written.
        """
        if self.best_epoch is None:
            return
        if not self.path.is_file() or _files.sha256(self.path) != self.sha256:
            raise SightkitError(
                "The weights of the best epoch are missing or damaged.",
                "Train again with --overwrite.",
                path=str(self.path),
            )
        self.model.load_weights(self.path)

    def set_state(self, state: dict[str, Any]) -> None:
        """Remember best value, its epoch, and the hash of its file; bring that file back."""
        super().set_state(state)
        if self.former.is_file() and _files.sha256(self.former) == self.sha256:
            os.replace(self.former, self.path)
            _files.sync(self.path.parent)
        if self.keep == "improvements":
            self._forget_later_improvements()

    def _forget_later_improvements(self) -> None:
        """Remove the files of epochs that the checkpoint does not know; they are trained anew."""
        last = None if self.best_epoch is None else self.improvement(self.best_epoch).name
        stem = self.path.name.removesuffix(WEIGHTS)
        for path in self.path.parent.glob(f"{glob.escape(stem)}-epoch-{'[0-9]' * 5}{WEIGHTS}"):
            if last is None or path.name > last:
                path.unlink()
