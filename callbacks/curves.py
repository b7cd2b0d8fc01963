"""The picture of a training: loss, accuracy and learning rate over epochs."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sightkit import _files

TRAIN, VALIDATION, QUIET = "#1f6feb", "#d1242f", "#6e7781"


def draw_curves(rows: Sequence[Mapping[str, float]], path: str | os.PathLike[str]) -> None:
    """Draw the curves of training and validation to a PNG, atomically.

    Args:
        rows: one a finished epoch: ``epoch``, ``loss``, and where they exist ``val_loss``,
            ``accuracy``, ``val_accuracy``, ``learning_rate``.
        path: of the picture.
    """
    # The object interface: pyplot keeps global state and must not be used beside other threads.
    has_accuracy = any("accuracy" in row for row in rows)
    count = 2 if has_accuracy else 1  # one below the other: legible on a phone
    figure = Figure(figsize=(6.4, 3 * count), dpi=120, layout="constrained")
    axes = figure.subplots(count, 1, squeeze=False)[:, 0]
    _draw_metric(axes[0], rows, "loss", "Loss")
    if has_accuracy:
        _draw_metric(axes[1], rows, "accuracy", "Accuracy")
    _mark_best(axes[0], rows)
    with _files.replacing(path) as temporary:
        figure.savefig(temporary, format="png")


def _draw_metric(axes: Axes, rows: Sequence[Mapping[str, float]], metric: str, title: str) -> None:
    style = "-" if len(rows) > 1 else "o"
    for key, label, colour in (
        (metric, "training", TRAIN),
        (f"val_{metric}", "validation", VALIDATION),
    ):
        points = [(row["epoch"], row[key]) for row in rows if key in row]
        if points:
            axes.plot(*zip(*points, strict=True), style, color=colour, label=label, linewidth=1.8)
    axes.set_title(title, loc="left", fontweight="bold")
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(color="#d8dee4", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    if axes.lines:
        axes.legend(frameon=False)


def _mark_best(axes: Axes, rows: Sequence[Mapping[str, float]]) -> None:
    """A line at the epoch of the lowest validation loss, whose weights are kept."""
    validated = [row for row in rows if math.isfinite(row.get("val_loss", math.nan))]
    if validated:
        best = min(validated, key=lambda row: row["val_loss"])
        axes.axvline(best["epoch"], color=QUIET, linewidth=1, linestyle=":")
        axes.annotate(
            f"best: epoch {best['epoch']:.0f}",
            (best["epoch"], 0.97),
            xycoords=("data", "axes fraction"),
            xytext=(4 if best["epoch"] < 0.7 * rows[-1]["epoch"] else -4, 0),
            textcoords="offset points",
            ha="left" if best["epoch"] < 0.7 * rows[-1]["epoch"] else "right",
            va="top",
            fontsize=8,
            color=QUIET,
        )
