"""Keep the weights of the best epoch."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

from sightkit import _files
from sightkit._errors import SightkitError
from sightkit.callbacks.base import StatefulCallback


class BestCheckpoint(StatefulCallback):
    """Save the weights whenever the monitored value improves.

    NaN and infinity are never best. A resumed run does not forget what its best was. The file is
    replaced atomically, and until the training ends the former best lies beside it: a run that is
    killed before its checkpoint knows of the new best goes on from the former.

    Args:
        path: file to write, ending in ``.weights.h5``; the former best is ``former-<name>``.
        monitor: key of the epoch's logs, for example ``val_loss`` or ``val_accuracy``.
        mode: ``"min"`` or ``"max"``: whether lower or higher is better.

    Attributes:
        best: best value so far, or None.
        best_epoch: its epoch, from 0, or None.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, monitor: str = "val_loss", mode: str = "min"
    ) -> None:
        super().__init__()
        self.path = Path(path)
        self.former = self.path.with_name(f"former-{self.path.name}")
        if not self.path.name.endswith(".weights.h5"):
            raise SightkitError("The file's name must end in .weights.h5.", path=str(path))
        if mode not in ("min", "max"):
            raise SightkitError('mode must be "min" or "max".', mode=mode)
        self.monitor = monitor
        self.mode = mode
        self.best: float | None = None
        self.best_epoch: int | None = None
        self._sha256: str | None = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Save if this epoch is the best."""
        logs = logs or {}
        if self.monitor not in logs:
            raise SightkitError(
                "The monitored value must be among the logs.",
                f"The logs have {sorted(logs)}.",
                monitor=self.monitor,
            )
        value = float(logs[self.monitor])
        if self._improves(value):
            if self.path.exists():
                _files.link(self.path, self.former)
            with _files.replacing(self.path) as temporary:
                self.model.save_weights(temporary)
            self.best, self.best_epoch = value, epoch
            self._sha256 = _files.sha256(self.path)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Remove the former best: the last checkpoint is written."""
        self.former.unlink(missing_ok=True)

    def restore(self) -> None:
        """Give the model the weights of the best epoch, if there was one.

        Raises:
            SightkitError: the file is not the one that was written.
        """
        if self.best_epoch is None:
            return
        if not self.path.is_file() or _files.sha256(self.path) != self._sha256:
            raise SightkitError(
                "The weights of the best epoch are missing or damaged.",
                "Train again with --overwrite.",
                path=str(self.path),
            )
        self.model.load_weights(self.path)

    def get_state(self) -> dict[str, Any]:
        """Best value, its epoch, and the hash of its file."""
        return {"best": self.best, "best_epoch": self.best_epoch, "sha256": self._sha256}

    def set_state(self, state: dict[str, Any]) -> None:
        """Remember best value, its epoch, and the hash of its file; bring that file back."""
        self.best, self.best_epoch = state["best"], state["best_epoch"]
        self._sha256 = state["sha256"]
        if self.former.is_file() and _files.sha256(self.former) == self._sha256:
            os.replace(self.former, self.path)
            _files.sync(self.path.parent)

    def _improves(self, value: float) -> bool:
        if not math.isfinite(value):
            return False
        if self.best is None:
            return True
        return value < self.best if self.mode == "min" else value > self.best
