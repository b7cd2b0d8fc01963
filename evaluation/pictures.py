"""Pictures of an evaluation: confusion matrix, reliability, small images for the report."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.image import imsave

from sightkit import _files
from sightkit.evaluation.calibration import Calibration
from sightkit.evaluation.text import legible

LARGEST_LABELLED = 25
"""Beyond that many classes names and counts would not be legible."""
FEW = 12
"""So many names have room for letters that are legible on a phone."""
LONGEST_NAME = 24
"""Longer ones would leave no room for the matrix."""


def draw_confusion(
    confusion: np.ndarray, class_names: Sequence[str], path: str | os.PathLike[str]
) -> None:
    """Draw a confusion matrix to a PNG: shares of each true class, mistakes in red.

    Args:
        confusion: int (classes, classes), rows are the truth.
        class_names: in label order.
        path: of the picture.
    """
    classes = len(class_names)
    labelled = classes <= LARGEST_LABELLED
    side = min(max(4.6, 0.5 * classes), 11)
    figure = Figure(figsize=(side, side), dpi=120, layout="constrained")
    axes = figure.subplots()
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    right = np.eye(classes, dtype=bool)
    axes.imshow(np.ma.masked_array(shares, ~right), cmap="Blues", vmin=0, vmax=1)
    # The root keeps a single mistake among hundreds of right answers visible.
    mistakes = np.ma.masked_array(np.sqrt(shares), right | (confusion == 0))
    axes.imshow(mistakes, cmap="Reds", vmin=-0.1, vmax=1)
    lettering = 13 if classes <= FEW else 10
    axes.set_xlabel("predicted", fontsize=lettering)
    axes.set_ylabel("true", fontsize=lettering)
    if labelled:
        names = labels(class_names)
        turned = 90 if max(map(len, names)) > 3 else 0
        axes.set_xticks(range(classes), names, rotation=turned, parse_math=False)
        axes.set_yticks(range(classes), names, parse_math=False)
        for (row, column), count in np.ndenumerate(confusion):
            if count:
                colour = "white" if shares[row, column] > 0.5 else "black"
                axes.text(column, row, f"{count}", ha="center", va="center", color=colour)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelsize=lettering)
    with _files.replacing(path) as temporary:
        figure.savefig(temporary, format="png")


def draw_reliability(found: Calibration, path: str | os.PathLike[str]) -> None:
    """Draw how often answers are right by how sure they were, to a PNG.

    Above: accuracy of each bin of confidence, its gap to the diagonal in red. Below: how many
    answers each bin holds, as a share of all.

    Args:
        found: what ``calibrate`` returned.
        path: of the picture.
    """
    bins = len(found.count)
    edges = np.arange(bins) / bins
    figure = Figure(figsize=(4.6, 5.4), dpi=120, layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    held = found.count > 0
    bars = {"width": 1 / bins, "align": "edge", "linewidth": 0.6, "edgecolor": "white"}
    upper.bar(edges[held], found.accuracy[held], color="#4878a8", label="accuracy", **bars)
    upper.bar(
        edges[held],
        (found.confidence - found.accuracy)[held],
        bottom=found.accuracy[held],
        color="#d4483b",
        alpha=0.5,
        label="gap",
        **bars,
    )
    upper.plot((0, 1), (0, 1), color="#333", linewidth=1, linestyle="--", label="calibrated")
    upper.set(xlim=(0, 1), ylim=(0, 1))
    upper.set_ylabel("share right", fontsize=13)
    upper.legend(loc="upper left", fontsize=12, frameon=False)
    upper.set_title(f"ECE {100 * found.error:.1f} %", fontsize=13)
    lower.bar(edges, found.count / found.count.sum(), color="#888", **bars)
    lower.set_xlabel("probability of the answer", fontsize=13)
    lower.set_ylabel("answers", fontsize=13)
    lower.set_ylim(0, 1)
    for axes in (upper, lower):
        axes.tick_params(labelsize=12)
        axes.spines[["top", "right"]].set_visible(False)
    with _files.replacing(path) as temporary:
        figure.savefig(temporary, format="png")


def labels(class_names: Sequence[str]) -> list[str]:
    """Class names as the matrix shows them; ``class 7`` where the font lacks the letters."""
    return [legible(name, f"class {k}", LONGEST_NAME) for k, name in enumerate(class_names)]


def png_data_uri(image: np.ndarray) -> str:
    """uint8 (H, W, 3) RGB or (H, W, 1) as a PNG inside a URI, for a page without other files."""
    buffer = io.BytesIO()
    colour = np.repeat(image, 3, axis=2) if image.shape[2] == 1 else image
    imsave(buffer, np.ascontiguousarray(colour), format="png")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def file_data_uri(path: str | os.PathLike[str]) -> str:
    """A PNG file inside a URI."""
    with open(path, "rb") as file:
        return "data:image/png;base64," + base64.b64encode(file.read()).decode()
