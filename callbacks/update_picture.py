"""The picture of update/weight ratios and of dead ReLUs."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from sightkit import _files
from sightkit.callbacks.curves import finish_panel

NAMED = 8
"""Layers in the legend: first to last, evenly chosen."""
HEALTHY = (3e-4, 3e-3)


def draw_updates(rows: Sequence[Mapping[str, Any]], path: str | os.PathLike[str]) -> None:
    """Draw the rows of ``UpdateRatioMonitor`` to a PNG, atomically.

    A line a layer, from the input (dark) to the output (light); the green band is about 1e-3.
    """
    panels = [("ratio", "Update / weight")]
    if any("dead_share" in row for row in rows):
        panels.append(("dead_share", "Dead ReLUs"))
    figure = Figure(figsize=(6.4, 3 * len(panels)), dpi=120, layout="constrained")
    axes = figure.subplots(len(panels), 1, squeeze=False)[:, 0]
    for each, (key, title) in zip(axes, panels, strict=True):
        _draw_layers(each, rows, key)
        finish_panel(each, title, "epoch")
    axes[0].set_yscale("log")
    axes[0].axhspan(*HEALTHY, color="#1a7f37", alpha=0.12, linewidth=0)
    if len(panels) > 1:
        axes[1].set_ylim(-0.02, 1.02)
        axes[1].yaxis.set_major_formatter(PercentFormatter(1.0))
    _files.save_figure(path, figure)


def _draw_layers(axes: Axes, rows: Sequence[Mapping[str, Any]], key: str) -> None:
    found = [row for row in rows if key in row and math.isfinite(row[key])]
    found = [row for row in found if key != "ratio" or row[key] > 0]  # the axis is logarithmic
    layers = list(dict.fromkeys(row["layer"] for row in found))
    named = {layers[round(i * (len(layers) - 1) / (NAMED - 1))] for i in range(NAMED) if layers}
    colours = colormaps["viridis"]
    for index, layer in enumerate(layers):
        points = [(_place(row, found), row[key]) for row in found if row["layer"] == layer]
        axes.plot(
            *zip(*points, strict=True),
            "-" if len(points) > 1 else "o",
            color=colours(0.9 * index / max(1, len(layers) - 1)),
            label=layer if layer in named else None,
            linewidth=1.5,
        )
    if layers:
        axes.legend(frameon=False, fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))


def _place(row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> float:
    """Within its epoch, where several steps of one were measured."""
    batches = max(each.get("batch", 1) for each in rows)
    return row["epoch"] - 1 + row.get("batch", batches) / batches
