"""A square hole in a training image, so that no single part decides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sightkit._errors import SightkitError
from sightkit.preprocessing.base import BYTES, RandomPreprocessor, check_image, check_size


@dataclass(frozen=True)
class CutoutPreprocessor(RandomPreprocessor):
    """Fill a square with grey, its centre anywhere in the image; what lies outside is cut off.

    Args:
        side: of the square, pixels.
        value: of its pixels, 0–255; the middle by default.

    Reference:
        DeVries and Taylor, "Improved regularization of convolutional neural networks with cutout",
        2017, arXiv:1708.04552.

    Example:
        >>> cutout = CutoutPreprocessor(8)
        >>> cutout(np.zeros((32, 32, 3), np.uint8), np.random.default_rng(0)).shape
        (32, 32, 3)
    """

    side: int
    value: int = 127

    def __post_init__(self) -> None:
        check_size("CutoutPreprocessor", side=self.side)
        if not 0 <= self.value <= 255:
            raise SightkitError(
                "CutoutPreprocessor: value must be from 0 to 255.", value=self.value
            )

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return a copy of uint8 (H, W, C) with the hole; two numbers are drawn."""
        image = check_image(image, "CutoutPreprocessor", dtypes=BYTES).copy()
        rows, columns = image.shape[:2]
        down, right = rng.random(2)
        top, left = int(down * rows) - self.side // 2, int(right * columns) - self.side // 2
        image[max(0, top) : top + self.side, max(0, left) : left + self.side] = self.value
        return image
