"""Samples side by side: a sheet, and a moving sheet of walks."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from sightkit import _files, io

GAP = 2
"""Pixels between pictures."""


def sheet(images: np.ndarray, columns: int, *, side: int = 56) -> np.ndarray:
    """Put pictures of one size side by side.

    Args:
        images: uint8 (N, H, W, 1 or 3).
        columns: pictures beside each other.
        side: pixels that the longer side of a small picture has at least; pictures grow by whole
            factors.

    Returns:
        uint8 (rows, columns of pixels, 3), RGB, white between pictures.
    """
    count, height, width, channels = images.shape
    factor = max(1, -(-side // max(height, width)))
    images = images.repeat(factor, axis=1).repeat(factor, axis=2)
    rows, high, wide = -(-count // columns), height * factor + GAP, width * factor + GAP
    found = np.full((rows * high + GAP, columns * wide + GAP, channels), 255, np.uint8)
    for place, image in enumerate(images):
        top, left = (place // columns) * high + GAP, (place % columns) * wide + GAP
        found[top : top + image.shape[0], left : left + image.shape[1]] = image
    return found if channels == 3 else found.repeat(3, axis=2)


def write_gif(
    path: str | os.PathLike[str], frames: Sequence[np.ndarray], *, milliseconds: int = 80
) -> None:
    """Write frames as a GIF that repeats, atomically.

    Args:
        path: of the file.
        frames: uint8 (H, W, 3), RGB, at least one.
        milliseconds: that each is shown.
    """
    from PIL import Image

    first, *others = [Image.fromarray(frame) for frame in frames]
    with _files.replacing(path) as temporary:
        first.save(
            temporary, "GIF", save_all=True, append_images=others, duration=milliseconds, loop=0
        )


def write_sheet(path: str | os.PathLike[str], images: np.ndarray, columns: int) -> None:
    """Write a sheet of pictures as a PNG, see ``sheet``."""
    io.write_png(path, sheet(images, columns))
