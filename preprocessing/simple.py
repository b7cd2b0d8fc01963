"""Resize to a fixed size, whatever the aspect ratio."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from sightkit.preprocessing.base import (
    BYTES_OR_FLOATS,
    Images,
    Preprocessor,
    check_batch,
    check_image,
    check_size,
)

LARGEST_AS_FLOATS = 2**24
"""Bytes of an image that may for a moment be held four times as large."""


@dataclass(frozen=True)
class SimplePreprocessor(Preprocessor):
    """Resize to ``width`` x ``height``, ignoring the aspect ratio.

    An axis that shrinks is resized by area averaging (which cannot alias), an axis that grows by
    linear interpolation.

    Args:
        width: of the result, pixels.
        height: of the result, pixels.

    Example:
        >>> SimplePreprocessor(28, 28)(np.zeros((8, 8, 1), np.uint8)).shape
        (28, 28, 1)
    """

    width: int
    height: int

    def __post_init__(self) -> None:
        check_size("SimplePreprocessor", width=self.width, height=self.height)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Resize one image.

        Args:
            image: uint8 or float32 (H, W, C), any size, 1 or 3 channels.

        Returns:
            The same dtype, (height, width, C).
        """
        image = check_image(image, "SimplePreprocessor", dtypes=BYTES_OR_FLOATS)
        return resize(image, self.width, self.height)

    def batch(self, images: Images) -> np.ndarray:
        """Resize (N, H, W, C), or N images of any sizes, to (N, height, width, C)."""
        array = check_batch(images, "SimplePreprocessor", dtypes=BYTES_OR_FLOATS)
        if array is not None and array.shape[1:3] == (self.height, self.width):
            return array
        return super().batch(images)


def resize(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """Resize (H, W, C) to (height, width, C): first shrink by area, then grow linearly.

    cv2's INTER_AREA turns into an interpolation as soon as *one* axis grows, hence two steps.
    """
    rows, columns, channels = image.shape
    if (rows, columns) == (height, width):
        return image
    smaller = (min(width, columns), min(height, rows))
    if smaller != (columns, rows):
        image = _shrink(image, *smaller)
    if smaller != (width, height):
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
    return image.reshape(height, width, channels)


def _shrink(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """cv2's INTER_AREA, through float32 where that takes a third less time; the bytes are equal.

    Its uint8 code averages in float32 too, but converts each byte on its own. Whole factors have
    fast code of their own.
    """
    rows, columns = image.shape[:2]
    exact = rows % height == 0 and columns % width == 0
    if image.dtype != np.uint8 or exact or image.nbytes > LARGEST_AS_FLOATS:
        return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    small = cv2.resize(image.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    return cv2.convertScaleAbs(small)  # rounds as the uint8 code does: to even
