"""Sheets of pictures with lines of text below each."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from matplotlib.figure import Figure

from sightkit import _files, evaluation
from sightkit.evaluation.pictures import GAP
from sightkit.evaluation.text import legible

INK, RIGHT, WRONG = "#24292f", "#1a7f37", "#cf222e"
LINE, TITLE = 15, 30
"""Pixels: of a line below a picture, of one of the title."""
LETTER = 6.2
"""Pixels of a letter, about."""


@dataclass(frozen=True)
class Tile:
    """A picture on a sheet.

    Attributes:
        image: uint8 (H, W, 3) RGB or (H, W, 1); None leaves a grey square.
        lines: of text below it.
        colour: of the text.
    """

    image: np.ndarray | None
    lines: tuple[str, ...] = ()
    colour: str = INK


def draw_tiles(
    tiles: Sequence[Tile],
    columns: int,
    path: str | os.PathLike[str] | BinaryIO,
    *,
    title: str = "",
    side: int = 150,
) -> None:
    """Draw pictures of any sizes to a PNG, each of them complete, in a square of its own.

    Args:
        tiles: from left to right, row by row.
        columns: beside each other.
        path: of the picture, or an open binary file.
        title: above all of them; may have several lines.
        side: of a square, pixels; small pictures grow by whole factors.
    """
    below = LINE * max(len(tile.lines) for tile in tiles)
    sheet = evaluation.montage([tile.image for tile in tiles], columns, side=side, below=below)
    height, width = sheet.shape[:2]
    top = TITLE * (1 + title.count("\n")) if title else 0
    figure = Figure(figsize=(width / 100, (height + top) / 100), dpi=150)
    axes = figure.add_axes((0, 0, 1, height / (height + top)))
    axes.set_axis_off()
    axes.imshow(sheet, interpolation="antialiased", aspect="auto", extent=(0, width, height, 0))
    wide, high = side + 2 * GAP, side + 2 * GAP + below
    for place, tile in enumerate(tiles):
        row, column = divmod(place, columns)
        lines = [legible(line, "?", int(wide / LETTER)) if line else "" for line in tile.lines]
        axes.text(
            (column + 0.5) * wide, row * high + side + 1.5 * GAP, "\n".join(lines),
            color=tile.colour, ha="center", va="top", fontsize=7.5, parse_math=False,
        )  # fmt: skip
    if title:
        figure.text(
            GAP / width, 1 - top / 2 / (height + top), title, va="center", fontsize=9.5, color=INK,
            parse_math=False,
        )  # fmt: skip
    _files.save_figure(path, figure)
