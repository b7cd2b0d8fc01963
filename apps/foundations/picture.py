"""The flags and the look that the pictures of all scripts share.

Formula: none. Test: tests/apps/foundations/test_scripts.py. Picture: all of docs/foundations/.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from sightkit import evaluation

INK, QUIET = "#24292f", "#8c959f"
COLOURS = ("#1f6feb", "#e8590c", "#1a7f37", "#8250df", "#bf3989", "#9a6700")
"""Of classes and of lines, in this order."""


@dataclass(frozen=True)
class PictureConfig:
    """The flags of a script that draws one picture."""

    output: Path = Path("picture.png")
    """Picture to write (.png)."""
    overwrite: bool = False
    """Replace an existing file that --output names."""
    seed: int = 0
    """Seed of all that is random."""
    smoke: bool = False
    """Do very little, to check that everything works."""

    def __post_init__(self) -> None:
        """Check --output before any work is done."""
        own = self.output == type(self).__dataclass_fields__["output"].default
        evaluation.require_file(self.output, (".png",), overwrite=self.overwrite or own)


def new_figure(
    rows: int = 1, columns: int = 1, *, width: float = 3.2, height: float = 3.2, **options: Any
) -> tuple[Figure, np.ndarray]:
    """Return a figure and its axes, an object array (rows, columns); a panel in inches."""
    figure = Figure(figsize=(width * columns, height * rows), dpi=110, layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    for each in axes.flat:
        each.spines[["top", "right"]].set_visible(False)
        each.tick_params(labelsize=8)
        each.title.set_size(10)
        each.set_prop_cycle(color=COLOURS)
    return figure, axes


def draw_classes(
    axes: Any,
    predict: Callable[[np.ndarray], np.ndarray],
    x: np.ndarray,
    y: np.ndarray,
    *,
    margin: float = 0.4,
    size: float = 40,
) -> None:
    """Draw points by their class, on the plane coloured by what a classifier predicts.

    Args:
        axes: Matplotlib's.
        predict: takes float (M, 2) and returns M classes, or the M probabilities of class 1.
        x: the points, (N, 2).
        y: their classes, integers (N,).
        margin: of the plane around the points, a share of their range.
        size: of a point.
    """
    from matplotlib.colors import ListedColormap, to_rgb

    low, high = x.min(axis=0), x.max(axis=0)
    low, high = low - margin * (high - low), high + margin * (high - low)
    lines = [np.linspace(low[axis], high[axis], 200) for axis in (0, 1)]
    plane = np.stack(np.meshgrid(*lines), axis=-1)
    answers = np.asarray(predict(plane.reshape(-1, 2))).reshape(200, 200)
    colours = np.array([to_rgb(colour) for colour in COLOURS])
    if answers.dtype.kind == "f":  # probabilities: from the first class's colour to the second's
        shades = answers[..., None] * colours[1] + (1 - answers[..., None]) * colours[0]
    else:
        shades = colours[answers]
    extent = (low[0], high[0], low[1], high[1])
    axes.imshow(0.75 + 0.25 * shades, origin="lower", extent=extent, aspect="auto")
    axes.scatter(
        x[:, 0], x[:, 1], c=y, s=size, vmin=0, vmax=len(COLOURS) - 1,
        cmap=ListedColormap(COLOURS), edgecolors="white", zorder=3,
    )  # fmt: skip
    axes.set(xlim=extent[:2], ylim=extent[2:])
