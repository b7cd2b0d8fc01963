"""History and curves of a training, written while it runs."""

from __future__ import annotations

import csv
import io
import os
import threading
from pathlib import Path
from typing import Any

import keras

from sightkit import _files
from sightkit.callbacks.base import StatefulCallback


class TrainingMonitor(StatefulCallback):
    """After each epoch: ``history.csv`` and a picture of the loss and accuracy curves.

    The picture is drawn in a thread of its own; if an epoch is shorter than the drawing, pictures
    are left out, save the last one, which is drawn at the end of the training.

    Args:
        folder: where ``history.csv`` and ``curves.png`` are written; it must exist.

    Attributes:
        rows: one dict an epoch: ``epoch`` (from 1), the logs of Keras, ``learning_rate``.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        super().__init__()
        self.folder = Path(folder)
        self.rows: list[dict[str, float]] = []
        self._drawing: threading.Thread | None = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Add a row, write the history, draw the curves if the last drawing is done."""
        row = {"epoch": float(epoch + 1)}
        row |= {name: float(value) for name, value in (logs or {}).items()}
        row["learning_rate"] = self._learning_rate()
        self.rows.append(row)
        self._write_history()
        if self._drawing is None or not self._drawing.is_alive():
            rows = list(self.rows)
            self._drawing = threading.Thread(target=self._draw, args=(rows,), daemon=True)
            self._drawing.start()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Draw the whole history."""
        self.close()
        if self.rows:
            self._draw(self.rows)

    def close(self) -> None:
        """Wait for a drawing that is under way, so that no half picture is left."""
        if self._drawing is not None:
            self._drawing.join()

    def get_state(self) -> dict[str, Any]:
        """All rows; a value that is no number becomes text, because JSON has no NaN."""
        return {"rows": [{name: repr(value) for name, value in row.items()} for row in self.rows]}

    def set_state(self, state: dict[str, Any]) -> None:
        """Take the rows of the checkpoint; later ones in the file are forgotten."""
        self.rows = [{name: float(value) for name, value in row.items()} for row in state["rows"]]
        self._write_history()

    def _learning_rate(self) -> float:
        optimizer = self.model.optimizer
        return float(keras.ops.convert_to_numpy(optimizer.learning_rate))

    def _write_history(self) -> None:
        text = io.StringIO()
        names = list(dict.fromkeys(name for row in self.rows for name in row))
        writer = csv.DictWriter(text, names, lineterminator="\n")
        writer.writeheader()
        for row in self.rows:
            writer.writerow({**row, "epoch": int(row["epoch"])})
        _files.write_text(self.folder / _files.HISTORY, text.getvalue())

    def _draw(self, rows: list[dict[str, float]]) -> None:
        from sightkit.callbacks.curves import draw_curves

        draw_curves(rows, self.folder / _files.CURVES)
