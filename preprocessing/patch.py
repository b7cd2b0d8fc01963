"""A random part of a training image, at its own scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sightkit._errors import SightkitError
from sightkit.preprocessing.base import RandomPreprocessor, check_image, check_size


@dataclass(frozen=True)
class PatchPreprocessor(RandomPreprocessor):
    """Cut a patch of ``width`` x ``height`` out of an image, anywhere with equal probability.

    Args:
        width: of the patch, pixels.
        height: of the patch, pixels.

    Example:
        >>> patch = PatchPreprocessor(227, 227)
        >>> patch(np.zeros((256, 256, 3), np.uint8), np.random.default_rng(0)).shape
        (227, 227, 3)
    """

    width: int
    height: int

    def __post_init__(self) -> None:
        check_size("PatchPreprocessor", width=self.width, height=self.height)

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Cut a patch out of one image.

        Args:
            image: (H, W, C) of any real dtype, 1 or 3 channels, nowhere smaller than the patch.
            rng: draws the row, then the column; two numbers, whatever the size.

        Returns:
            The same dtype, (height, width, C): a view of the image.
        """
        image = check_image(image, "PatchPreprocessor")
        rows, columns = image.shape[:2]
        check_fits("PatchPreprocessor", image, self.width, self.height)
        # Not rng.integers, which draws none, one or several numbers as the range will have it.
        down, right = rng.random(2)
        top = min(int(down * (rows - self.height + 1)), rows - self.height)
        left = min(int(right * (columns - self.width + 1)), columns - self.width)
        return image[top : top + self.height, left : left + self.width]


def check_fits(owner: str, image: np.ndarray, width: int, height: int) -> None:
    """Check that a part of ``width`` x ``height`` can be cut out of (…, H, W, C)."""
    if image.shape[-3] < height or image.shape[-2] < width:
        raise SightkitError(
            f"{owner} cuts {width}x{height} out of an image that is nowhere smaller.",
            "Resize it first, for example with an AspectAwarePreprocessor.",
            width=image.shape[-2],
            height=image.shape[-3],
        )
