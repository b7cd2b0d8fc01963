"""Resize without distortion or loss: fit the image into the size, and pad the rest."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from sightkit.preprocessing.base import BYTES_OR_FLOATS, Preprocessor, check_image, check_size
from sightkit.preprocessing.simple import resize


@dataclass(frozen=True)
class PadPreprocessor(Preprocessor):
    """Resize an image to fit into ``width`` x ``height``, and replicate its border around it.

    The image is in the middle; an odd pixel of padding is below or on the right. Nothing is cut off
    and no shape changes: a 1 stays narrower than an 8.

    Args:
        width: of the result, pixels.
        height: of the result, pixels.

    Example:
        >>> PadPreprocessor(28, 28)(np.zeros((25, 20, 1), np.uint8)).shape
        (28, 28, 1)
    """

    width: int
    height: int

    def __post_init__(self) -> None:
        check_size("PadPreprocessor", width=self.width, height=self.height)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Resize and pad one image.

        Args:
            image: uint8 or float32 (H, W, C), any size, 1 or 3 channels.

        Returns:
            The same dtype, (height, width, C).
        """
        image = check_image(image, "PadPreprocessor", dtypes=BYTES_OR_FLOATS)
        rows, columns, channels = image.shape
        scale = min(self.width / columns, self.height / rows)
        wide = min(self.width, max(1, round(scale * columns)))
        high = min(self.height, max(1, round(scale * rows)))
        top, left = (self.height - high) // 2, (self.width - wide) // 2
        bottom, right = self.height - high - top, self.width - wide - left
        fitted = resize(image, wide, high)
        padded = cv2.copyMakeBorder(fitted, top, bottom, left, right, cv2.BORDER_REPLICATE)
        return padded.reshape(self.height, self.width, channels)
