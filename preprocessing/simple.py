"""Resize to a fixed size, whatever the aspect ratio."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from sightkit.preprocessing.base import Preprocessor, check_image, check_size


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
        image = check_image(image, "SimplePreprocessor")
        return resize(image, self.width, self.height)


def resize(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """Resize (H, W, C) to (height, width, C): first shrink by area, then grow linearly.

    cv2's INTER_AREA turns into an interpolation as soon as *one* axis grows, hence two steps.
    """
    rows, columns, channels = image.shape
    if (rows, columns) == (height, width):
        return image
    smaller = (min(width, columns), min(height, rows))
    if smaller != (columns, rows):
        image = cv2.resize(image, smaller, interpolation=cv2.INTER_AREA)
    if smaller != (width, height):
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
    return image.reshape(height, width, channels)
