"""The picture of a learning-rate range test."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import BinaryIO

from matplotlib.figure import Figure

from sightkit import _files
from sightkit.callbacks.curves import finish_panel

QUIET, LINE, CHOSEN = "#8c959f", "#1f6feb", "#1a7f37"


def draw_rates(
    rates: Sequence[float],
    losses: Sequence[float],
    smoothed: Sequence[float],
    suggestion: float | None,
    path: str | os.PathLike[str] | BinaryIO,
) -> None:
    """Draw loss over learning rate to a PNG, or an open file, with the suggestion marked."""
    figure = Figure(figsize=(6.4, 3.6), dpi=120, layout="constrained")
    axes = figure.subplots()
    axes.plot(rates, losses, ".", color=QUIET, markersize=3, label="loss of a batch")
    axes.plot(rates, smoothed, color=LINE, linewidth=1.8, label="smoothed")
    if suggestion is not None:
        label = f"suggestion: {suggestion:.2g}"
        axes.axvline(suggestion, color=CHOSEN, linestyle=":", label=label)
    axes.set_xscale("log")
    # What comes after the explosion would press the rest flat.
    low, high = min(*losses, *smoothed), max(smoothed[0], *smoothed[: max(1, len(smoothed) // 2)])
    axes.set_ylim(low - 0.1 * (high - low) - 1e-9, high + 0.4 * (high - low) + 1e-9)
    finish_panel(axes, "Learning rate", "learning rate")
    axes.set_ylabel("loss")
    axes.legend(frameon=False)
    _files.save_figure(path, figure)
