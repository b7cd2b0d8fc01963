"""A sheet of queries and their neighbours: right ones are framed green, wrong ones red."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from sightkit import _files, evaluation
from sightkit._errors import SightkitError
from sightkit.apps.explain.retrieval import Answer
from sightkit.evaluation.pictures import GAP
from sightkit.evaluation.text import legible

INK, RIGHT, WRONG = "#24292f", "#1a7f37", "#cf222e"
SIDE, CAPTION, TITLE = 150, 42, 40
"""Pixels: of a photo's square, of the lines below it, of the title."""
LONGEST = 20
"""Letters of a line below a photo."""


def draw_neighbours(
    answers: Sequence[Answer], path: str | os.PathLike[str] | BinaryIO, *, title: str = ""
) -> None:
    """Draw queries with their neighbours to a PNG: name, class, cosine below each.

    Args:
        answers: a row each, with as many neighbours; where classes are known the frame of a
            neighbour is green if it is of the query's class, red if not.
        path: of the picture, or an open binary file.
        title: above all of them.

    Raises:
        SightkitError: no row, or rows of different lengths.
    """
    columns = {1 + len(answer.neighbours) for answer in answers}
    if len(columns) != 1:
        raise SightkitError(
            "A sheet needs a row of photos at least, all of one length.",
            "Give each query the same number of neighbours.",
            lengths=sorted(columns),
        )
    shown = [tile for answer in answers for tile in _tiles(answer)]
    (count,) = columns
    sheet = evaluation.montage([photo.image for photo in shown], count, side=SIDE, below=CAPTION)
    height, width = sheet.shape[:2]
    top = TITLE if title else 0
    figure = Figure(figsize=(width / 100, (height + top) / 100), dpi=200)
    axes = figure.add_axes((0, 0, 1, height / (height + top)))
    axes.set_axis_off()
    axes.imshow(sheet, interpolation="antialiased", aspect="auto", extent=(0, width, height, 0))
    tile, line = SIDE + 2 * GAP, SIDE + 2 * GAP + CAPTION
    for place, photo in enumerate(shown):
        row, column = divmod(place, count)
        x, y = column * tile, row * line
        colour = {None: INK, True: RIGHT, False: WRONG}[photo.right]
        if photo.right is not None:
            corner = (x + GAP / 2, y + GAP / 2)
            side = SIDE + GAP
            axes.add_patch(Rectangle(corner, side, side, fill=False, color=colour, linewidth=2))
        text = "\n".join(legible(each, "?", LONGEST) for each in photo.lines)
        below = (x + tile / 2, y + SIDE + 2 * GAP)
        axes.text(*below, text, color=colour, ha="center", va="top", fontsize=7.5, parse_math=False)
    if count > 1:
        axes.axvline(tile, color="#d0d7de", linewidth=1)
    if title:
        figure.text(
            GAP / width, 1 - top / 2 / (height + top), title, va="center", fontsize=9.5, color=INK,
            parse_math=False,
        )  # fmt: skip
    _files.save_figure(path, figure)


@dataclass(frozen=True)
class _Tile:
    image: np.ndarray | None
    lines: tuple[str, ...]
    right: bool | None = None


def _tiles(answer: Answer) -> list[_Tile]:
    """Return the photos of a row: the query, then its neighbours."""
    tiles = [_Tile(answer.image, (answer.class_name or "query", _short(answer.name)))]
    for each in answer.neighbours:
        right = each.class_name == answer.class_name if answer.class_name else None
        first = f"{each.class_name} {each.similarity:.3f}".strip()
        tiles.append(_Tile(each.image, (first, _short(each.name)), right))
    return tiles


def _short(name: str) -> str:
    return name.rpartition("/")[2]
