"""The picture of a search for an experiment's values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from sightkit import _files


def draw_search(summary: dict[str, Any], path: Path) -> None:
    """Draw a panel a dimension: its value against the objective, lines at pruned trials."""
    space, objective = summary["settings"]["space"], summary["settings"]["objective"]
    figure = Figure((1 + 3.6 * len(space), 3.8), dpi=120, layout="constrained")
    axes = figure.subplots(1, len(space), sharey=True, squeeze=False)[0]
    ended = [row for row in summary["trials"] if row["state"] in ("pruned", "fail")]
    for axis, name in zip(axes, sorted(space), strict=True):
        for stage, colour in (("coarse", "#9ab"), ("fine", "#d45500")):
            done = [row for row in summary["trials"] if row["stage"] == stage and name in row
                    and row["value"] is not None]  # fmt: skip
            axis.plot([r[name] for r in done], [r["value"] for r in done], "o", c=colour,
                      label=f"{stage} ({len(done)})", alpha=0.8)  # fmt: skip
        for row in (row for row in ended if name in row):
            axis.axvline(row[name], color="#bbb", linewidth=0.6, zorder=0)
        if space[name]["attributes"].get("log"):
            axis.set_xscale("log")
        axis.set_xlabel(name)
    axes[0].set_ylabel(f"validation {objective}")
    axes[-1].legend(title=f"lines: ended early ({len(ended)})", fontsize=8, title_fontsize=8)
    _files.save_figure(path, figure)
