"""A sheet of queries and their neighbours: right ones are framed green, wrong ones red."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import numpy as np

from sightkit._errors import SightkitError
from sightkit.apps.explain.retrieval import Answer
from sightkit.apps.explain.tiles import INK, RIGHT, WRONG, Tile, draw_tiles

FRAME = 32
"""A frame's width is the part of a photo's side."""


def draw_neighbours(
    answers: Sequence[Answer], path: str | os.PathLike[str] | BinaryIO, *, title: str = ""
) -> None:
    """Draw queries with their neighbours to a PNG: class, cosine and name below each.

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
    tiles = [tile for answer in answers for tile in _tiles(answer)]
    draw_tiles(tiles, columns.pop(), path, title=title)


def _tiles(answer: Answer) -> Iterator[Tile]:
    """Yield the photos of a row: the query, then its neighbours."""
    yield Tile(_framed(answer.image, None), (answer.class_name or "query", _short(answer.name)))
    for each in answer.neighbours:
        colour = RIGHT if each.class_name == answer.class_name else WRONG
        colour = colour if answer.class_name else None
        first = f"{each.class_name} {each.similarity:.3f}".strip()
        yield Tile(_framed(each.image, colour), (first, _short(each.name)), colour or INK)


def _framed(image: np.ndarray | None, colour: str | None) -> np.ndarray | None:
    """Return a picture with a frame, white where there is no colour; uint8 (H, W, 3)."""
    if image is None:
        return None
    width = max(1, max(image.shape[:2]) // FRAME)
    height, length = (side + 2 * width for side in image.shape[:2])
    shade = bytes.fromhex((colour or "#ffffff")[1:])
    framed = np.full((height, length, 3), list(shade), np.uint8)
    framed[width:-width, width:-width] = image
    return framed


def _short(name: str) -> str:
    return name.rpartition("/")[2]
