"""Colour to grey, so that a grey network accepts a colour photo."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from sightkit.preprocessing.base import Preprocessor, check_image


@dataclass(frozen=True)
class GrayscalePreprocessor(Preprocessor):
    """RGB to luma, 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601); a grey image stays as it is.

    Example:
        >>> GrayscalePreprocessor()(np.full((2, 2, 3), 7, np.uint8)).shape
        (2, 2, 1)
    """

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Convert one image, uint8 (H, W, 3) in RGB order or (H, W, 1), to uint8 (H, W, 1)."""
        image = check_image(image, "GrayscalePreprocessor")
        if image.shape[2] == 1:
            return image
        return cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY)[..., np.newaxis]
