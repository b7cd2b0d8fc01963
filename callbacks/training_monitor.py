"""History and curves of a training, written while it runs."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sightkit import _csv, _files, _run_files
from sightkit.callbacks.base import StatefulCallback, rate_of
from sightkit.callbacks.best_checkpoint import BestCheckpoint
from sightkit.callbacks.drawing import Drawing

COUNTS = {"epoch", "phase", "best_epoch"}
"""Columns of whole numbers."""


class TrainingMonitor(StatefulCallback):
    """``history.csv``, ``history.json`` and a picture of loss, accuracy and learning rate.

    The CSV is written after each epoch. JSON and picture are made in a thread of their own; where
    epochs take less than a second some are left out, save the last, which is made when the training
    ends. The picture marks the diagnosis of the curves:
    overfitting from the epoch on at which it begins, a network that does not learn, and so on
    (``callbacks.diagnose_curves``).

    Args:
        folder: where the files are written; made where it is missing.
        phase: number, from 1, of the phase that is trained, for a column of its own; 0: none.
        before: rows of the phases before it.
        best: ``BestCheckpoint`` of the same training, before this among the callbacks.

    Attributes:
        rows: one dict an epoch: ``epoch`` (from 1), the logs of Keras, ``learning_rate`` after
            the epoch, ``phase`` where there are several, and with ``best``, from the first best
            epoch on, ``best_epoch``, from 1: whose weights are saved.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        phase: int = 0,
        before: Sequence[Mapping[str, float]] = (),
        best: BestCheckpoint | None = None,
    ) -> None:
        super().__init__()
        self.folder = Path(folder)
        self.phase = phase
        self.best = best
        self.rows: list[dict[str, float]] = [dict(row) for row in before]
        self._drawing = Drawing()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Add a row, write the history, draw the curves if a drawing is due."""
        row = {"epoch": float(epoch + 1)}
        row |= {name: float(value) for name, value in (logs or {}).items()}
        row["learning_rate"] = rate_of(self.model)
        if self.phase:
            row["phase"] = float(self.phase)
        if self.best is not None and self.best.best_epoch is not None:
            row["best_epoch"] = float(self.best.best_epoch + 1)
        self.rows.append(row)
        self._write_history()
        rows = list(self.rows)
        self._drawing.offer(lambda: self._draw(rows, finished=False))

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Draw the complete history."""
        if self.rows:
            self._drawing.finish(lambda: self._draw(self.rows, finished=True))

    def close(self) -> None:
        """Wait for a drawing that is under way, so that no half picture is left."""
        self._drawing.wait()

    def get_state(self) -> dict[str, Any]:
        """Return all rows as text of JSON, which may hold NaN."""
        return {"rows": json.dumps(self.rows)}

    def set_state(self, state: dict[str, Any]) -> None:
        """Take the rows of the checkpoint; later ones in the file are forgotten."""
        self.rows = json.loads(state["rows"])
        self._write_history()
        _files.write_text(self.folder / _run_files.HISTORY_JSON, as_columns(self.rows))

    def _write_history(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        rows = [row | {name: int(row[name]) for name in COUNTS if name in row} for row in self.rows]
        _csv.write_csv(self.folder / _run_files.HISTORY, rows)

    def _draw(self, rows: list[dict[str, float]], *, finished: bool) -> None:
        from sightkit.callbacks.curves import draw_curves

        _files.write_text(self.folder / _run_files.HISTORY_JSON, as_columns(rows))
        draw_curves(rows, self.folder / _run_files.CURVES, finished=finished)


def as_columns(rows: list[dict[str, float]]) -> str:
    """JSON of the form of Keras' ``history``: a list for each name, with an entry an epoch.

    What is missing, NaN or infinite becomes null: JSON has no other word for it; the CSV has it.
    """
    names = dict.fromkeys(name for row in rows for name in row)
    columns: dict[str, list[float | None]] = {}
    for name in names:
        if name in COUNTS:
            columns[name] = [int(row.get(name, 0)) for row in rows]
        else:
            values = [row.get(name, math.nan) for row in rows]
            columns[name] = [value if math.isfinite(value) else None for value in values]
    return json.dumps(columns, indent=1, allow_nan=False) + "\n"
