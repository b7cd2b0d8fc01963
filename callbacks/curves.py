"""The picture of a training: loss, accuracy and learning rate over epochs."""

from __future__ import annotations

import itertools
import math
import os
import textwrap
from collections.abc import Mapping, Sequence
from typing import BinaryIO

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sightkit import _files
from sightkit.callbacks.best_epoch import best_row
from sightkit.callbacks.curve_diagnosis import CurveFinding, diagnose_curves

TRAIN, VALIDATION, QUIET, WARNING = "#1f6feb", "#d1242f", "#6e7781", "#9a6700"
RATE_HEIGHT = 0.5
"""Of the learning rate's panel, where 1 is that of the others."""
DECADE = 10.0
BESIDE_TITLE = 42
"""Letters of a finding's words that fit beside the title."""
SHADED = ("overfitting", "not learning", "diverged")


def draw_curves(
    rows: Sequence[Mapping[str, float]],
    path: str | os.PathLike[str] | BinaryIO,
    *,
    finished: bool = True,
) -> None:
    """Draw the curves of training and validation to a PNG, atomically, with their diagnosis.

    Args:
        rows: one a finished epoch: ``epoch``, ``loss``, and where they exist ``val_loss``,
            ``accuracy``, ``val_accuracy``, ``val_ap`` (a detector's, NaN where it was not
            computed), ``learning_rate``, and ``phase``, whose changes are marked.
        path: of the picture, or an open binary file.
        finished: whether the training is over; some findings mean something only then.
    """
    # The object interface: pyplot keeps global state and must not be used beside other threads.
    metrics = [("loss", "Loss")]
    if any("accuracy" in row for row in rows):
        metrics.append(("accuracy", "Accuracy"))
    if any("val_ap" in row for row in rows):
        metrics.append(("ap", "Average precision"))
    rates = [row for row in rows if math.isfinite(row.get("learning_rate", math.nan))]
    heights = [1.0] * len(metrics) + ([RATE_HEIGHT] if rates else [])
    # One below the other: legible on a phone.
    figure = Figure(figsize=(4.8, 2.5 * sum(heights)), dpi=160, layout="constrained")
    axes = figure.subplots(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]
    for each, (metric, title) in zip(axes, metrics, strict=False):
        _draw_metric(each, rows, metric, title)
    _mark_best(axes[0], rows)
    for each in diagnose_curves(rows, finished=finished):
        _mark(axes[0], each, last=rows[-1]["epoch"])
    if rates:
        _draw_rate(axes[-1], rates)
    for each in axes:
        _mark_phases(each, rows, named=each is axes[0])
        each.set_xlim(*_ends(rows))
    _files.save_figure(path, figure)


def finish_panel(axes: Axes, title: str, x: str) -> None:
    """Give a panel its title, the name of its x axis, and the grid of all our pictures."""
    axes.set_title(title, loc="left", fontweight="bold")
    axes.set_xlabel(x)
    axes.grid(color="#d8dee4", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    if x == "epoch":
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _ends(rows: Sequence[Mapping[str, float]]) -> tuple[float, float]:
    """Limits of every panel's axis, so that an epoch is below itself."""
    first, last = rows[0]["epoch"], rows[-1]["epoch"]
    margin = 0.03 * max(last - first, 1.0)
    return first - margin, last + margin


def _draw_metric(axes: Axes, rows: Sequence[Mapping[str, float]], metric: str, title: str) -> None:
    style = "-" if len(rows) > 1 else "o"
    for key, label, colour in (
        (metric, "training", TRAIN),
        (f"val_{metric}", "validation", VALIDATION),
    ):
        points = [
            (row["epoch"], row[key])
            for row in rows
            if key in row and not (metric == "ap" and math.isnan(row[key]))  # not looked at
        ]
        if points:
            axes.plot(*zip(*points, strict=True), style, color=colour, label=label, linewidth=1.8)
    finish_panel(axes, title, "epoch")
    if axes.lines:
        axes.legend(frameon=False)


def _draw_rate(axes: Axes, rows: Sequence[Mapping[str, float]]) -> None:
    rates = [row["learning_rate"] for row in rows]
    style = "-" if len(rows) > 1 else "o"
    axes.plot([row["epoch"] for row in rows], rates, style, color=QUIET, linewidth=1.8)
    if min(rates) > 0 and max(rates) >= DECADE * min(rates):
        axes.set_yscale("log")
    elif max(rates) > 0:
        axes.set_ylim(0, 1.1 * max(rates))
    finish_panel(axes, "Learning rate", "epoch")


def _mark(axes: Axes, finding: CurveFinding, *, last: float) -> None:
    """The epochs that a finding speaks of, shaded, and its words above the panel."""
    if finding.name in SHADED and finding.first < last:
        axes.axvspan(finding.first, last, color=WARNING, alpha=0.09, linewidth=0)
    before = axes.get_title(loc="right")
    words = textwrap.fill(f"{finding.name}: {finding.advice}", BESIDE_TITLE)
    text = f"{before}\n{words}" if before else words
    axes.set_title(text, loc="right", fontsize=9, color=WARNING)


def _mark_phases(axes: Axes, rows: Sequence[Mapping[str, float]], *, named: bool) -> None:
    """A line between the last epoch of a phase and the first of the next."""
    for before, row in itertools.pairwise(rows):
        if row.get("phase", 0) != before.get("phase", 0):
            place = (before["epoch"] + row["epoch"]) / 2
            axes.axvline(place, color=QUIET, linewidth=1.2)
            if named:
                _note(axes, f"phase {row['phase']:.0f}", place, 0.7)


def _mark_best(axes: Axes, rows: Sequence[Mapping[str, float]]) -> None:
    """A line at the epoch whose weights are saved; of a detector that with the highest AP."""
    precise = [row for row in rows if math.isfinite(row.get("val_ap", math.nan))]
    best = max(precise, key=lambda row: row["val_ap"]) if precise else best_row(rows)
    if best is not None:
        label = f"best: epoch {best['epoch']:.0f}"
        axes.axvline(best["epoch"], color=QUIET, linewidth=1, linestyle=":", label=label)
        axes.legend(frameon=False)  # where no curve is


def _note(axes: Axes, text: str, x: float, height: float) -> None:
    """Write beside a vertical line, at a share of the panel's height."""
    axes.annotate(
        text,
        (x, height),
        xycoords=("data", "axes fraction"),
        xytext=(4, 0),
        textcoords="offset points",
        ha="left",
        va="top",
        fontsize=10,
        color=QUIET,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
    )
