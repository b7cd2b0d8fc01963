"""Resize without distortion: crop the middle to the aspect ratio first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sightkit._errors import SightkitError
from sightkit.preprocessing.base import BYTES_OR_FLOATS, Preprocessor, check_image, check_size
from sightkit.preprocessing.simple import resize


@dataclass(frozen=True)
class AspectAwarePreprocessor(Preprocessor):
    """Crop the middle of an image to the target's aspect ratio, then resize it.

    The crop is made first, in full pixels of the original, so that a picture of 1x100,000 pixels
    costs no more than its middle. What it keeps differs from the target's aspect ratio by less
    than a pixel, and is central to half a pixel (an odd remainder is cut off below and on
    the right).

    Args:
        width: of the result, pixels.
        height: of the result, pixels.
        crop: share of the largest such crop that is kept, more than 0, at most 1; 0.875 is the
            usual "short side 256, middle 224".

    Example:
        >>> AspectAwarePreprocessor(32, 16)(np.zeros((100, 60, 3), np.uint8)).shape
        (16, 32, 3)
    """

    width: int
    height: int
    crop: float = 1.0

    def __post_init__(self) -> None:
        check_size("AspectAwarePreprocessor", width=self.width, height=self.height)
        if not 0 < self.crop <= 1:
            raise SightkitError("crop must be more than 0 and at most 1.", crop=self.crop)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Crop and resize one image.

        Args:
            image: uint8 or float32 (H, W, C), any size, 1 or 3 channels.

        Returns:
            The same dtype, (height, width, C).
        """
        image = check_image(image, "AspectAwarePreprocessor", dtypes=BYTES_OR_FLOATS)
        rows, columns = image.shape[:2]
        unit = self.crop * min(columns / self.width, rows / self.height)
        wide = min(columns, max(1, round(unit * self.width)))
        high = min(rows, max(1, round(unit * self.height)))
        top, left = (rows - high) // 2, (columns - wide) // 2
        return resize(image[top : top + high, left : left + wide], self.width, self.height)
