"""A picture of any size on the canvas that a detector takes, and its boxes there and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sightkit._errors import SightkitError
from sightkit.preprocessing import SimplePreprocessor

GREY = 127
"""Shade around a picture that has not the canvas' shape: 0 after the usual scaling."""


@dataclass(frozen=True)
class Letterbox:
    """Scale a picture until it fits into a canvas, at its upper left; the rest is grey.

    The aspect ratio stays, but for the rounding to whole pixels. A smaller picture is enlarged.

    Args:
        height: of the canvas, pixels.
        width: of the canvas, pixels.

    Example:
        >>> Letterbox(320, 416).inside((480, 640))
        (312, 416)
    """

    height: int
    width: int

    def inside(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return the (height, width) that a picture of this (height, width) has on the canvas."""
        height, width = size
        if min(height, width) < 1:
            raise SightkitError("A picture has at least one pixel.", size=size)
        factor = min(self.height / height, self.width / width)
        return max(1, round(height * factor)), max(1, round(width * factor))

    def scale(self, size: tuple[int, int]) -> np.ndarray:
        """Return what boxes of a picture are multiplied by: float32 (4,), for x, y, x, y."""
        height, width = self.inside(size)
        factors = (width / size[1], height / size[0])
        return np.array([*factors, *factors], np.float32)

    def shrink(self, image: np.ndarray) -> np.ndarray:
        """Return the picture, uint8 (H, W, 3), in the size that it has on the canvas."""
        height, width = self.inside(image.shape[:2])
        return SimplePreprocessor(width, height)(image)

    def place(self, image: np.ndarray) -> np.ndarray:
        """Return the canvas, uint8 (height, width, 3), with a picture that ``shrink`` gave."""
        canvas = np.full((self.height, self.width, 3), GREY, np.uint8)
        canvas[: image.shape[0], : image.shape[1]] = image
        return canvas

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Return the canvas of a picture, uint8 (H, W, 3) to uint8 (height, width, 3)."""
        return self.place(self.shrink(image))

    def boxes_back(self, boxes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Return boxes of the canvas in pixels of the picture, float32 (N, 4), inside of it."""
        height, width = size
        return (boxes / self.scale(size)).clip(0, (width, height, width, height)).astype(np.float32)
