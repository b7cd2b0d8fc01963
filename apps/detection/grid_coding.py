"""Boxes as a plain grid detector learns them: each in the cell that its middle is in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class GridCoding:
    """What a grid detector's output means: a row a cell, (rows, columns, 5·B + classes).

    Of each box of a cell: confidence, middle in cells from the cell's upper left, and square roots
    of width and height as shares of the canvas. All numbers are from 0 to 1.

    Args:
        size: (height, width) of the canvas, pixels.
        cells: (rows, columns).
        classes: number of classes.
        per_cell: boxes of a cell, B.
    """

    size: tuple[int, int]
    cells: tuple[int, int]
    classes: int
    per_cell: int = 2

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Shape of the network's output for a picture."""
        return *self.cells, 5 * self.per_cell + self.classes

    def encode(self, boxes: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Return the target of a picture: float32 (rows, columns, 5 + classes).

        A cell holds one box: of several the largest.

        Args:
            boxes: float32 (N, 4) on the canvas.
            labels: int64 (N,).
        """
        target = np.zeros((*self.cells, 5 + self.classes), np.float32)
        rows, columns, inside, sides = self._cells_of(boxes)
        for index in np.argsort(sides.prod(axis=1), kind="stable"):
            cell = target[rows[index], columns[index]]
            cell[:] = 0
            cell[0] = 1
            cell[1:3], cell[3:5] = inside[index], np.sqrt(sides[index])
            cell[5 + labels[index]] = 1
        return target

    def decode(self, output: np.ndarray, least_score: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """Return boxes on the canvas, float32 (R, 4), and scores, float32 (R, classes)."""
        count = self.per_cell
        found = output[..., : 5 * count].reshape(*self.cells, count, 5)
        scores = found[..., :1] * output[..., None, 5 * count :]
        rows, columns = np.mgrid[0 : self.cells[0], 0 : self.cells[1]]
        first = np.stack([columns, rows], -1)[:, :, None]
        middle = (first + found[..., 1:3]) / self.cells[::-1] * self.size[::-1]
        half = found[..., 3:] ** 2 * self.size[::-1] / 2
        boxes = np.concatenate([middle - half, middle + half], axis=-1).reshape(-1, 4)
        return boxes.astype(np.float32), scores.reshape(-1, self.classes)

    def unreachable(self, boxes: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Return which boxes of a picture have a larger one in their cell, bool (N,)."""
        rows, columns, _, sides = self._cells_of(boxes)
        holder = {}
        for index in np.argsort(sides.prod(axis=1), kind="stable"):
            holder[rows[index], columns[index]] = index
        return ~np.isin(np.arange(len(boxes)), list(holder.values()))

    def loss(self, **options: Any) -> Any:
        """Return the loss of this coding."""
        from sightkit.apps.detection.detector_losses import GridLoss

        return GridLoss(self.per_cell, **options)

    def perfect_output(self, target: np.ndarray) -> np.ndarray:
        """Return the output that a target asks for, by the first box of each cell."""
        empty = np.zeros((*self.cells, 5 * (self.per_cell - 1)), np.float32)
        return np.concatenate([target[..., :5], empty, target[..., 5:]], axis=-1)

    def prior_output(self) -> np.ndarray:
        """Return what the network gives before it has learned: 0.5 everywhere."""
        return np.full(self.output_shape, 0.5, np.float32)

    def _cells_of(self, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return row, column, middle within the cell, and sides as shares of the canvas."""
        canvas = np.array(self.size[::-1], np.float32)
        middle = (boxes[:, :2] + boxes[:, 2:]) / 2 / canvas * self.cells[::-1]
        cell = np.minimum(middle.astype(int), np.array(self.cells[::-1]) - 1)
        sides = (boxes[:, 2:] - boxes[:, :2]) / canvas
        return cell[:, 1], cell[:, 0], middle - cell, sides
