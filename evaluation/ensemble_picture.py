"""What members and their average reach, and what one more member brings, in one picture."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from sightkit import _files
from sightkit.evaluation.ensembles import by_size
from sightkit.evaluation.metrics import Evaluation, rank_accuracy


def draw_ensemble(
    members: Sequence[Evaluation],
    milliseconds: Sequence[float],
    path: str | os.PathLike[str],
) -> None:
    """Draw accuracy by number of members to a PNG.

    Each member is a dot at 1; the line is the mean over all choices of so many members, the band
    reaches from the worst to the best choice. Above the picture stands what an image costs.

    Args:
        members: of the ensemble, on the same images.
        milliseconds: an image, of each.
        path: of the picture.
    """
    sizes = np.arange(1, len(members) + 1)
    mean, lowest, highest = (100 * np.array(each) for each in zip(*by_size(members), strict=True))
    figure = Figure(figsize=(4.6, 3.8), dpi=120, layout="constrained")
    axes = figure.subplots()
    axes.fill_between(sizes, lowest, highest, color="#4878a8", alpha=0.2, linewidth=0)
    axes.plot(sizes, mean, "o-", color="#4878a8", label="averaged answers")
    ranks = [100 * rank_accuracy(member.probabilities, member.labels) for member in members]
    axes.plot(np.ones(len(ranks)), ranks, "x", color="#333", label="each member")
    axes.set_xlabel("members", fontsize=13)
    axes.set_ylabel("rank-1 accuracy, %", fontsize=13)
    axes.set_xticks(sizes[:: max(1, len(sizes) // 10)])
    each = float(np.mean(milliseconds))
    axes.set_title(
        f"{each:.3g} ms an image for one, {sum(milliseconds):.3g} ms for all", fontsize=12
    )
    axes.legend(fontsize=12, frameon=False, loc="lower right")
    axes.tick_params(labelsize=12)
    axes.spines[["top", "right"]].set_visible(False)
    with _files.replacing(path) as temporary:
        figure.savefig(temporary, format="png")
