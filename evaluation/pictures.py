"""Draw an evaluation: confusion matrix, reliability, mistakes, ensembles; sheets of pictures."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from imutils import build_montages
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sightkit import _files
from sightkit._display import data_uri
from sightkit.evaluation.calibration import Calibration
from sightkit.evaluation.ensembles import by_size
from sightkit.evaluation.metrics import Evaluation, rank_accuracy
from sightkit.evaluation.mistakes import Mistake
from sightkit.evaluation.text import legible
from sightkit.io.images import encode_png
from sightkit.preprocessing import SimplePreprocessor

WIDTH = 4.6
"""Inches; on a phone (360 pixels) letters of 11 points are then 12 pixels high or more."""
BLUE, RED = "#4878a8", "#e9a39d"
LARGEST_LABELLED = 25
"""Beyond that many classes names and counts would not be legible."""
FEW = 12
"""So many names have room for letters that are legible on a phone."""
LONGEST_NAME = 24
"""Longer ones would leave no room for the matrix."""
MISTAKES, COLUMNS = 12, 3
SQUARE, GAP, CAPTION = 228, 8, 124
"""Pixels of a mistake's square, the border around it, and the room for four lines below it."""
LONGEST_CAPTION = 16
MISSING = 224
"""Grey of a picture that is not available."""


def draw_confusion(
    confusion: np.ndarray, class_names: Sequence[str], path: str | os.PathLike[str] | BinaryIO
) -> None:
    """Draw a confusion matrix to a PNG: shares of each true class, mistakes in red.

    Args:
        confusion: int (classes, classes), rows are the truth.
        class_names: in label order.
        path: of the picture, or an open binary file.
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
    _files.save_figure(path, figure)


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
    upper.bar(edges[held], gap, bottom=accuracy, color=RED, label="gap", **bars)
    upper.plot((0, 1), (0, 1), color="#333", linewidth=1, linestyle="--", label="calibrated")
    upper.set(xlim=(0, 1), ylim=(0, 1))
    upper.legend(loc="upper left", fontsize=12, frameon=False)
    upper.set_title(f"ECE {100 * found.error:.1f} %", fontsize=13)
    lower.bar(edges, found.count / found.count.sum(), color="#888", **bars)
    lower.set_ylim(0, 1)
    _finish(upper, "", "share right")
    _finish(lower, "probability of the answer", "answers")
    _files.save_figure(path, figure)


def draw_regression(
    answers: np.ndarray, targets: np.ndarray, path: str | os.PathLike[str] | BinaryIO
) -> None:
    """Draw the numbers that were answered by those that were right to a PNG, a panel a number.

    Args:
        answers, targets: float (N, K).
        path: of the picture, or an open binary file.
    """
    outputs = targets.shape[1]
    columns = min(outputs, COLUMNS)
    rows = -(-outputs // columns)
    figure = _figure(WIDTH * columns, WIDTH * rows)
    for number, (right, found) in enumerate(zip(targets.T, answers.T, strict=True), 1):
        axes = figure.add_subplot(rows, columns, number)
        ends = [min(right.min(), found.min()), max(right.max(), found.max())]
        axes.plot(ends, ends, color="#333", linewidth=1, linestyle="--", label="right")
        axes.scatter(right, found, s=12, color=BLUE, alpha=0.5, linewidths=0)
        axes.legend(loc="upper left", fontsize=12, frameon=False)
        _finish(axes, f"target {number}" if outputs > 1 else "target", "answer")
    _files.save_figure(path, figure)


def montage(
    images: Sequence[np.ndarray | None], columns: int, *, side: int = 224, below: int = 0
) -> np.ndarray:
    """Put pictures of any sizes on one sheet, each of them complete, in a square of its own.

    Args:
        images: uint8, (H, W, 3) RGB or (H, W, 1); None leaves a grey square.
        columns: pictures beside each other.
        side: of a square, pixels; small pictures grow by whole factors, so that pixels stay square.
        below: white pixels under each square, for a caption.

    Returns:
        uint8 (rows * (side + 2 * GAP + below), columns * (side + 2 * GAP), 3), RGB.
    """
    tiles = [_tile(image, side, below) for image in images]
    rows = -(-len(tiles) // columns)
    tiles += [np.full_like(tiles[0], 255)] * (rows * columns - len(tiles))  # else they are black
    height, width = tiles[0].shape[:2]
    return build_montages(tiles, (width, height), (columns, rows))[0]


def draw_mistakes(mistakes: Sequence[Mistake], path: str | os.PathLike[str]) -> None:
    """Draw the worst mistakes to a PNG, twelve at most, three beside each other, with their names.

    Args:
        mistakes: the worst first.
        path: of the picture; where no mistake has pixels none is written, and one from an earlier
            evaluation is removed.
    """
    shown = mistakes[:MISTAKES]
    if all(mistake.image is None for mistake in shown):
        Path(path).unlink(missing_ok=True)
        return
    images = [mistake.image for mistake in shown]
    sheet = montage(images, COLUMNS, side=SQUARE, below=CAPTION)
    height, width = sheet.shape[:2]
    dpi = width / WIDTH
    figure = Figure(figsize=(WIDTH, height / dpi), dpi=dpi)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.imshow(sheet, interpolation="nearest", aspect="auto", extent=(0, width, height, 0))
    for place, mistake in enumerate(shown):
        row, column = divmod(place, COLUMNS)
        x, y = (column + 0.5) * width / COLUMNS, row * (SQUARE + 2 * GAP + CAPTION) + SQUARE + GAP
        axes.text(x, y + GAP, _caption(mistake), ha="center", va="top", fontsize=11,
                  parse_math=False)  # fmt: skip
    _files.save_figure(path, figure)


def draw_ensemble(
    members: Sequence[Evaluation],
    path: str | os.PathLike[str],
    weights: Sequence[float] | None = None,
) -> None:
    """Draw accuracy by number of members to a PNG.

    Each member is a cross at 1; the line is the mean over all choices of so many members, the band
    reaches from the worst to the best choice. The title holds the time an image takes.

    Args:
        members: of the ensemble, timed, on the same images.
        path: of the picture.
        weights: of the averages, one a member; equal by default.
    """
    sizes, found = np.arange(1, len(members) + 1), by_size(members, weights)
    mean, lowest, highest = (100 * np.array(each) for each in zip(*found, strict=True))
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
    _files.save_figure(path, figure)


def labels(class_names: Sequence[str]) -> list[str]:
    """Return class names as the matrix shows them; ``class 7`` where the font lacks the letters."""
    return [legible(name, f"class {k}", LONGEST_NAME) for k, name in enumerate(class_names)]


def png_data_uri(image: np.ndarray) -> str:
    """Encode uint8 (H, W, 3) RGB or (H, W, 1) as a PNG in a data URI."""
    return data_uri(encode_png(image))


def _figure(width: float, height: float, dpi: int = 120) -> Figure:
    return Figure(figsize=(width, height), dpi=dpi, layout="constrained")


def _finish(axes: Axes, x: str, y: str, *, size: int = 13, ticks: int = 12) -> None:
    """Name the axes, in letters that are legible on a phone, without a box around them."""
    axes.set_xlabel(x, fontsize=size)
    axes.set_ylabel(y, fontsize=size)
    axes.tick_params(labelsize=ticks)
    axes.spines[["top", "right"]].set_visible(False)


def _caption(mistake: Mistake) -> str:
    true, predicted, name = (
        legible(text, otherwise, LONGEST_CAPTION)
        for text, otherwise in (
            (mistake.true, "?"),
            (mistake.predicted, "?"),
            (mistake.name.rpartition("/")[2], ""),
        )
    )
    return f"{true}\ntaken ({100 * mistake.probability:.0f} %) for\n{predicted}\n{name}"


def _tile(image: np.ndarray | None, side: int, below: int) -> np.ndarray:
    """A picture in the middle of a square, with a white border and room below."""
    tile = np.full((side + 2 * GAP + below, side + 2 * GAP, 3), 255, np.uint8)
    if image is None:
        tile[GAP : GAP + side, GAP : GAP + side] = MISSING
        return tile
    longest = max(image.shape[:2])
    if longest > side:
        height, width = (max(1, round(size * side / longest)) for size in image.shape[:2])
        image = SimplePreprocessor(width, height)(image)
    else:
        image = image.repeat(side // longest, axis=0).repeat(side // longest, axis=1)
    top, left = ((side - size) // 2 + GAP for size in image.shape[:2])
    tile[top : top + image.shape[0], left : left + image.shape[1]] = image
    return tile
