"""Monitor the size of steps against that of weights, and dead units."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import keras
import numpy as np

from sightkit import _csv, _run_files
from sightkit._errors import SightkitError
from sightkit.callbacks.base import StatefulCallback
from sightkit.callbacks.dead_units import dead_units
from sightkit.callbacks.drawing import Drawing

COLUMNS = tuple("epoch batch layer ratio update_norm weight_norm dead_share".split())
HEALTHY = 1e-3
TOO_SMALL, TOO_LARGE = 1e-5, 1e-1
MANY_DEAD = 0.5


class UpdateRatioMonitor(StatefulCallback):
    """Write the norm of a step's update over the norm of the weights, for each kernel.

    About 1e-3 is healthy (notes S4): far above it the learning rate is too high, far below it too
    low, or the gradient does not get there. Kernels only: biases begin at zero. With a probe the
    share of dead ReLUs is written too: channels (units of a dense layer) that are zero for every
    probe image and place.

    One step an epoch is measured, in its middle, or every ``every`` steps: the kernels are copied
    before it and compared after it; nothing else is computed. With ``steps_per_execution`` it is
    the update of one execution, divided by its steps. The training is not changed by a bit.

    Args:
        folder: where ``updates.csv`` and ``updates.png`` are written; made where it is missing.
        every: steps between two measurements; None: once an epoch.
        probe: images as the network takes them, (n, …), 32 for example; None leaves out the dead
            ReLUs.

    Attributes:
        rows: one dict a measurement and layer: ``epoch`` and ``batch`` (from 1), ``layer``,
            ``ratio``, ``update_norm``, ``weight_norm``, or ``dead_share``.

    Raises:
        SightkitError: ``every`` below 1, or no images in the probe.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        every: int | None = None,
        probe: np.ndarray | None = None,
    ) -> None:
        super().__init__()
        if every is not None and every < 1:
            raise SightkitError("every must be at least 1, or None: once an epoch.", every=every)
        if probe is not None and not len(probe):
            raise SightkitError("The probe must hold at least one image.", probe=probe.shape)
        self.folder = Path(folder)
        self.every = every
        self.probe = probe
        self.rows: list[dict[str, Any]] = []
        self._drawing = Drawing()
        self._epoch = 0
        self._next: float = 0
        self._batch, self._step = 0, 0
        self._before: list[np.ndarray] | None = None

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Choose the first step to measure."""
        self._epoch = epoch
        self._before = None
        steps = (self.params or {}).get("steps")
        of_epoch = [
            row["batch"] for row in self.rows if row["epoch"] == epoch + 1 and "batch" in row
        ]
        if self.every is not None:
            self._next = max(of_epoch, default=0) - 1 + self.every
        else:  # resumed within the epoch it may be measured already
            self._next = math.inf if of_epoch else (steps or 0) // 2

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Compare, if the step before was measured; copy, if the coming one is."""
        self._compare()
        if self._next <= batch:
            self._before = _kernels(self.model)
            self._batch, self._step = batch, _iterations(self.model)
            self._next = math.inf if self.every is None else batch + self.every

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Compare the last step, look for dead units, write and draw."""
        self._compare()
        if self.probe is not None:
            for layer, share in dead_units(self.model, self.probe).items():
                self.rows.append({"epoch": epoch + 1, "layer": layer, "dead_share": share})
        self._write()
        rows = list(self.rows)
        if rows:
            self._drawing.offer(lambda: self._draw(rows))

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Draw everything."""
        if self.rows:
            self._drawing.finish(lambda: self._draw(self.rows))

    def advice(self) -> list[str]:
        """Diagnose the last measurement of each layer, a sentence a finding; empty if healthy."""
        latest = {(row["layer"], "dead_share" in row): row for row in self.rows}
        found = []
        for (layer, is_dead), row in latest.items():
            if is_dead and row["dead_share"] > MANY_DEAD:
                found.append(
                    f"{layer}: {row['dead_share']:.0%} of its ReLUs are dead: lower the learning "
                    "rate, or use He's initialization or a leaky ReLU."
                )
            elif not is_dead and not TOO_SMALL <= row["ratio"] <= TOO_LARGE:
                what = "lower" if not row["ratio"] <= TOO_LARGE else "raise"
                found.append(
                    f"{layer}: a step changes the weights by {row['ratio']:.1e} of their size, "
                    f"about {HEALTHY:.0e} is healthy: {what} the learning rate, or look at the "
                    "initialization."
                )
        return found

    def get_state(self) -> dict[str, Any]:
        """Return all rows as text of JSON, which may hold NaN."""
        return {"rows": json.dumps(self.rows)}

    def set_state(self, state: dict[str, Any]) -> None:
        """Take the rows of the checkpoint; later ones in the file are forgotten."""
        self.rows = json.loads(state["rows"])
        self._write()

    def _compare(self) -> None:
        if self._before is None:
            return
        model = self.model
        steps = max(1, _iterations(model) - self._step)
        kernels = _kernel_variables(model)
        for variable, before, after in zip(kernels, self._before, _kernels(model), strict=True):
            with np.errstate(invalid="ignore"):  # where weights are infinite
                weight, update = _norm(before), _norm(after - before) / steps
            self.rows.append(
                {
                    "epoch": self._epoch + 1,
                    "batch": self._batch + 1,
                    "layer": variable.path.rpartition("/")[0] or variable.path,
                    "ratio": update / weight if weight else math.inf if update else 0.0,
                    "update_norm": update,
                    "weight_norm": weight,
                }
            )
        self._before = None

    def _write(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        _csv.write_csv(self.folder / _run_files.UPDATES, self.rows, COLUMNS)

    def _draw(self, rows: list[dict[str, Any]]) -> None:
        from sightkit.callbacks.update_picture import draw_updates

        draw_updates(rows, self.folder / _run_files.UPDATES_PICTURE)


def _kernel_variables(model: keras.Model) -> list[keras.Variable]:
    return [variable for variable in model.trainable_variables if len(variable.shape) > 1]


def _kernels(model: keras.Model) -> list[np.ndarray]:
    """Both backends copy a variable that is held here before they write to it."""
    return [
        np.asarray(keras.ops.convert_to_numpy(variable.value), np.float32)
        for variable in _kernel_variables(model)
    ]


def _iterations(model: keras.Model) -> int:
    return int(keras.ops.convert_to_numpy(model.optimizer.iterations))


def _norm(array: np.ndarray) -> float:
    return float(np.linalg.norm(array.ravel().astype(np.float64)))
