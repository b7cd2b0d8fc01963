"""The worst mistakes on one sheet: each image, what it is, what it was taken for, how surely."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from sightkit import _files
from sightkit.evaluation.metrics import Evaluation
from sightkit.evaluation.text import legible

SHOWN, COLUMNS = 12, 3
WIDTH = 4.6
"""Inches; on a phone (360 pixels) the letters are then 12 pixels high or more."""
LONGEST_NAME = 16


def draw_mistakes(
    evaluation: Evaluation,
    images: Callable[[np.ndarray], Sequence[np.ndarray] | np.ndarray],
    path: str | os.PathLike[str],
    *,
    count: int = SHOWN,
) -> int:
    """Draw the most expensive wrong answers to a PNG, three beside each other.

    Args:
        evaluation: whose mistakes are shown.
        images: positions to uint8 images, (H, W, 3) RGB or (H, W, 1); sizes may differ.
        path: of the picture; without any mistake none is written, and one that stands there from
            an earlier evaluation is removed.
        count: how many at most.

    Returns:
        How many are shown.
    """
    worst = evaluation.worst_mistakes(count)
    if not len(worst):
        Path(path).unlink(missing_ok=True)
        return 0
    rows = -(-len(worst) // COLUMNS)
    figure = Figure(figsize=(WIDTH, 2.1 * rows), dpi=160, layout="constrained")
    figure.get_layout_engine().set(w_pad=0.03, h_pad=0.06)  # type: ignore[union-attr]
    cells = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    for axes in cells:
        axes.set_axis_off()
    for axes, row, image in zip(cells, worst, images(worst), strict=False):
        grey = image.shape[2] == 1
        axes.imshow(image[..., 0] if grey else image, cmap="gray", vmin=0, vmax=255)
        height, width = image.shape[:2]
        reach = max(height, width) / 2  # a square around each, so that rows stay in line
        axes.set_xlim(width / 2 - reach - 0.5, width / 2 + reach - 0.5)
        axes.set_ylim(height / 2 + reach - 0.5, height / 2 - reach - 0.5)
        axes.set_title(_caption(evaluation, int(row)), fontsize=11, pad=3, parse_math=False)
    with _files.replacing(path) as temporary:
        # Tight: where there is one row, the layout cuts the tops of the captions.
        figure.savefig(temporary, format="png", bbox_inches="tight", pad_inches=0.05)
    return len(worst)


def _caption(evaluation: Evaluation, row: int) -> str:
    true, said = int(evaluation.labels[row]), int(evaluation.predictions[row])
    name, other = (
        legible(evaluation.class_names[k], f"class {k}", LONGEST_NAME) for k in (true, said)
    )
    return f"{name}\ntaken ({100 * evaluation.probabilities[row, said]:.0f} %) for\n{other}"
