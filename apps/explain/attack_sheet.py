"""What an attack did: the tiles of a photo on a sheet, and the accuracy-against-ε curve."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

import numpy as np
from matplotlib.figure import Figure

from sightkit import _files
from sightkit.apps.explain.tiles import INK, RIGHT, WRONG, Tile

MAGNIFIED = 100
"""Grey levels that the largest difference of a sheet is shown as."""


def attack_tiles(before: np.ndarray, after: np.ndarray, photo: Mapping[str, Any]) -> list[Tile]:
    """Return three tiles: the picture, the magnified difference, the adversarial one.

    Args:
        before: uint8 (H, W, C), as the network sees it.
        after: the same, adversarial, as it was saved.
        photo: ``truth``, the name of its class, None where it is unknown; ``answer_before`` and
            ``answer_after``, name and probability of the class that is predicted.
    """
    difference = after.astype(int) - before
    largest = int(np.abs(difference).max())
    factor = max(1, MAGNIFIED // max(largest, 1))
    shown = np.clip(128 + factor * difference, 0, 255).astype(np.uint8)
    first, last = photo["answer_before"], photo["answer_after"]
    right = {None: INK, first[0]: RIGHT}.get(photo["truth"], WRONG)
    words = [(f"{name} {100 * share:.0f} %",) for name, share in (first, last)]
    return [
        Tile(before, words[0], right),
        Tile(shown, (f"±{largest} levels, times {factor}",)),
        Tile(after, words[1], WRONG if first[0] != last[0] else INK),
    ]


def draw_curve(
    epsilons: Sequence[float],
    shares: Sequence[float],
    path: str | os.PathLike[str] | BinaryIO,
    title: str,
) -> None:
    """Draw accuracy against ε to a PNG.

    Args:
        epsilons: shares of a pixel's range.
        shares: the accuracy for each.
        path: of the picture.
        title: above it.
    """
    figure = Figure(figsize=(5, 3.6), dpi=150, layout="constrained")
    axes = figure.subplots()
    levels = 255 * np.array(epsilons)
    axes.plot(levels, 100 * np.array(shares), "o-", color="#1f6feb")
    axes.set(xlabel="ε, grey levels of 255", ylabel="accuracy, %", ylim=(-3, 103))
    axes.set_title(title, fontsize=9.5, color=INK, loc="left")
    axes.set_xticks(levels, [f"{level:g}" for level in levels], fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    _files.save_figure(path, figure)
