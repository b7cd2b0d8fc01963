"""What an attack did: a sheet of pictures, and the accuracy-against-ε curve."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from matplotlib.figure import Figure

from sightkit import _files
from sightkit.apps.explain.tiles import INK, Tile, draw_tiles

RIGHT, WRONG = "#1a7f37", "#cf222e"
MAGNIFIED = 100
"""Grey levels that the largest difference of a sheet is shown as."""
SHOWN = 12
"""Rows of a sheet."""


@dataclass(frozen=True)
class Attacked:
    """A photo before and after an attack.

    Attributes:
        name: of the photo.
        before: uint8 (H, W, C), as the network sees it; None where it is not shown.
        after: the same, adversarial, as it was saved.
        file: the adversarial PNG, relative to the folder.
        truth: name of its class; None where it is unknown.
        answer_before: name and probability of the class that is predicted.
        answer_after: the same, of the saved file.
    """

    name: str
    before: np.ndarray | None
    after: np.ndarray | None
    file: str
    truth: str | None
    answer_before: tuple[str, float]
    answer_after: tuple[str, float]

    @property
    def fooled(self) -> bool:
        """Whether the answer is another one than before."""
        return self.answer_before[0] != self.answer_after[0]

    def as_json(self) -> dict[str, Any]:
        """All but the pictures."""
        found = dataclasses.asdict(dataclasses.replace(self, before=None, after=None))
        return {name: value for name, value in found.items() if name not in ("before", "after")}


def draw_attacks(
    attacked: Sequence[Attacked], path: str | os.PathLike[str] | BinaryIO, title: str
) -> None:
    """Draw a row a photo to a PNG: the picture, the magnified difference, the adversarial one.

    Args:
        attacked: the first twelve are shown.
        path: of the picture.
        title: above them.
    """
    tiles = []
    for each in attacked[:SHOWN]:
        if each.before is None or each.after is None:
            continue
        difference = each.after.astype(int) - each.before
        largest = int(np.abs(difference).max())
        factor = max(1, MAGNIFIED // max(largest, 1))
        shown = np.clip(128 + factor * difference, 0, 255).astype(np.uint8)
        right = {None: INK, each.answer_before[0]: RIGHT}.get(each.truth, WRONG)
        tiles += [
            Tile(each.before, (_words(each.answer_before),), right),
            Tile(shown, (f"±{largest} levels, times {factor}",)),
            Tile(each.after, (_words(each.answer_after),), WRONG if each.fooled else INK),
        ]
    columns = 6 if len(attacked) > 2 else 3
    draw_tiles(tiles, columns, path, title=title, side=200)


def draw_curve(
    epsilons: Sequence[float],
    curves: Mapping[str, Sequence[float]],
    path: str | os.PathLike[str] | BinaryIO,
    title: str,
) -> None:
    """Draw accuracy against ε to a PNG.

    Args:
        epsilons: shares of a pixel's range.
        curves: by method the accuracy for each.
        path: of the picture.
        title: above it.
    """
    figure = Figure(figsize=(5, 3.6), dpi=150, layout="constrained")
    axes = figure.subplots()
    levels = 255 * np.array(epsilons)
    for (name, shares), colour in zip(curves.items(), ("#1f6feb", "#e8590c"), strict=False):
        axes.plot(levels, 100 * np.array(shares), "o-", color=colour, label=name)
    axes.set(xlabel="ε, grey levels of 255", ylabel="accuracy, %", ylim=(-3, 103))
    axes.set_title(title, fontsize=9.5, color=INK, loc="left")
    axes.set_xticks(levels, [f"{level:g}" for level in levels], fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    _files.save_figure(path, figure)


def _words(answer: tuple[str, float]) -> str:
    name, probability = answer
    return f"{name} {100 * probability:.0f} %"
