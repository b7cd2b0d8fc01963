"""Draw an evaluation: confusion matrix, reliability diagram, mistakes, ensembles, thumbnails."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import imsave

from sightkit import _files
from sightkit.evaluation.calibration import Calibration
from sightkit.evaluation.ensembles import by_size
from sightkit.evaluation.metrics import Evaluation, rank_accuracy
from sightkit.evaluation.text import legible

WIDTH = 4.6
"""Inches; on a phone (360 pixels) letters of 11 points are then 12 pixels high or more."""
BLUE, RED = "#4878a8", "#d4483b"
LARGEST_LABELLED = 25
"""Beyond that many classes names and counts would not be legible."""
FEW = 12
"""So many names have room for letters that are legible on a phone."""
LONGEST_NAME = 24
"""Longer ones would leave no room for the matrix."""
MISTAKES, COLUMNS = 12, 3
LONGEST_CAPTION = 16


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
    side = min(max(WIDTH, 0.5 * classes), 11)
    figure = _figure(side, side)
    axes = figure.subplots()
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    right = np.eye(classes, dtype=bool)
    axes.imshow(np.ma.masked_array(shares, ~right), cmap="Blues", vmin=0, vmax=1)
    # The root makes a single mistake among hundreds of right answers visible.
    mistakes = np.ma.masked_array(np.sqrt(shares), right | (confusion == 0))
    axes.imshow(mistakes, cmap="Reds", vmin=-0.1, vmax=1)
    if classes <= LARGEST_LABELLED:
        names = labels(class_names)
        turned = 90 if max(map(len, names)) > 3 else 0
        axes.set_xticks(range(classes), names, rotation=turned, parse_math=False)
        axes.set_yticks(range(classes), names, parse_math=False)
        for (row, column), count in np.ndenumerate(confusion):
            if count:
                colour = "white" if shares[row, column] > 0.5 else "black"
                axes.text(column, row, f"{count}", ha="center", va="center", color=colour)
    size = 13 if classes <= FEW else 10
    _finish(axes, "predicted", "true", size=size, ticks=size)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    _save(figure, path)


def draw_reliability(found: Calibration, path: str | os.PathLike[str]) -> None:
    """Draw the accuracy of answers by their probability to a PNG.

    Above: accuracy of each bin of confidence, its gap to the diagonal in red. Below: how many
    answers each bin holds, as a share of all.

    Args:
        found: what ``calibrate`` returned.
        path: of the picture.
    """
    bins = len(found.count)
    edges = np.arange(bins) / bins
    figure = _figure(WIDTH, 5.4)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    held = found.count > 0
    accuracy, gap = found.accuracy[held], (found.confidence - found.accuracy)[held]
    bars = {"width": 1 / bins, "align": "edge", "linewidth": 0.6, "edgecolor": "white"}
    upper.bar(edges[held], accuracy, color=BLUE, label="accuracy", **bars)
    upper.bar(edges[held], gap, bottom=accuracy, color=RED, alpha=0.5, label="gap", **bars)
    upper.plot((0, 1), (0, 1), color="#333", linewidth=1, linestyle="--", label="calibrated")
    upper.set(xlim=(0, 1), ylim=(0, 1))
    upper.legend(loc="upper left", fontsize=12, frameon=False)
    upper.set_title(f"ECE {100 * found.error:.1f} %", fontsize=13)
    lower.bar(edges, found.count / found.count.sum(), color="#888", **bars)
    lower.set_ylim(0, 1)
    _finish(upper, "", "share right")
    _finish(lower, "probability of the answer", "answers")
    _save(figure, path)


def draw_mistakes(
    evaluation: Evaluation,
    images: Callable[[np.ndarray], Sequence[np.ndarray] | np.ndarray],
    path: str | os.PathLike[str],
) -> None:
    """Draw the twelve wrong answers of the highest loss to a PNG, three beside each other.

    Args:
        evaluation: whose mistakes are shown.
        images: positions to uint8 images, (H, W, 3) RGB or (H, W, 1); sizes may differ.
        path: of the picture; without any mistake none is written, and one from an earlier
            evaluation is removed.
    """
    worst = evaluation.worst_mistakes(MISTAKES)
    if not len(worst):
        Path(path).unlink(missing_ok=True)
        return
    rows = -(-len(worst) // COLUMNS)
    figure = _figure(WIDTH, 2.1 * rows, dpi=160)
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
    # Tight: where there is one row, the layout cuts the tops of the captions.
    _save(figure, path, bbox_inches="tight", pad_inches=0.05)


def draw_ensemble(members: Sequence[Evaluation], path: str | os.PathLike[str]) -> None:
    """Draw accuracy by number of members to a PNG.

    Each member is a cross at 1; the line is the mean over all choices of so many members, the band
    reaches from the worst to the best choice. The title holds the time an image takes.

    Args:
        members: of the ensemble, timed, on the same images.
        path: of the picture.
    """
    sizes = np.arange(1, len(members) + 1)
    mean, lowest, highest = (100 * np.array(each) for each in zip(*by_size(members), strict=True))
    figure = _figure(WIDTH, 3.8)
    axes = figure.subplots()
    axes.fill_between(sizes, lowest, highest, color=BLUE, alpha=0.2, linewidth=0)
    axes.plot(sizes, mean, "o-", color=BLUE, label="averaged answers")
    ranks = [100 * rank_accuracy(member.probabilities, member.labels) for member in members]
    axes.plot(np.ones(len(ranks)), ranks, "x", color="#333", label="each member")
    axes.set_xticks(sizes[:: max(1, len(sizes) // 10)])
    cost = sum(member.milliseconds or 0 for member in members)
    axes.set_title(
        f"{cost / len(members):.3g} ms an image for one, {cost:.3g} ms for all", fontsize=12
    )
    axes.legend(fontsize=12, frameon=False, loc="lower right")
    _finish(axes, "members", "rank-1 accuracy, %")
    _save(figure, path)


def labels(class_names: Sequence[str]) -> list[str]:
    """Return class names as the matrix shows them; ``class 7`` where the font lacks the letters."""
    return [legible(name, f"class {k}", LONGEST_NAME) for k, name in enumerate(class_names)]


def png_data_uri(image: np.ndarray) -> str:
    """Encode uint8 (H, W, 3) RGB or (H, W, 1) as a PNG in a data URI."""
    buffer = io.BytesIO()
    colour = np.repeat(image, 3, axis=2) if image.shape[2] == 1 else image
    imsave(buffer, np.ascontiguousarray(colour), format="png")
    return _data_uri(buffer.getvalue())


def file_data_uri(path: str | os.PathLike[str]) -> str:
    """Encode a PNG file as a data URI."""
    return _data_uri(Path(path).read_bytes())


def _data_uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()


def _figure(width: float, height: float, dpi: int = 120) -> Figure:
    return Figure(figsize=(width, height), dpi=dpi, layout="constrained")


def _finish(axes: Axes, x: str, y: str, *, size: int = 13, ticks: int = 12) -> None:
    """Name the axes, in letters that are legible on a phone, without a box around them."""
    axes.set_xlabel(x, fontsize=size)
    axes.set_ylabel(y, fontsize=size)
    axes.tick_params(labelsize=ticks)
    axes.spines[["top", "right"]].set_visible(False)


def _save(figure: Figure, path: str | os.PathLike[str], **options: Any) -> None:
    with _files.replacing(path) as temporary:
        figure.savefig(temporary, format="png", **options)


def _caption(evaluation: Evaluation, row: int) -> str:
    true, predicted = int(evaluation.labels[row]), int(evaluation.predictions[row])
    name, other = (
        legible(evaluation.class_names[k], f"class {k}", LONGEST_CAPTION) for k in (true, predicted)
    )
    return f"{name}\ntaken ({100 * evaluation.probabilities[row, predicted]:.0f} %) for\n{other}"
