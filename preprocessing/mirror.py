"""Two looks at one image: as it is, and mirrored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sightkit.preprocessing.base import Images, Preprocessor, check_batch, check_image


@dataclass(frozen=True)
class MirrorPreprocessor(Preprocessor):
    """An image and its mirror image, left to right; a network's predictions are averaged.

    Like ``CropPreprocessor`` it makes a stack of one image: in a ``Pipeline`` the steps after it
    see each of the two as an image.

    Example:
        >>> MirrorPreprocessor()(np.array([[[1], [2]]], np.uint8))[..., 0].tolist()
        [[[1, 2]], [[2, 1]]]
    """

    crops: ClassVar[bool] = True

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Mirror one image, (H, W, C) of any real dtype, to (2, H, W, C)."""
        return self._both(check_image(image, "MirrorPreprocessor")[np.newaxis])[0]

    def batch(self, images: Images) -> np.ndarray:
        """Mirror (N, H, W, C) to (N, 2, H, W, C)."""
        array = check_batch(images, "MirrorPreprocessor")
        return super().batch(images) if array is None else self._both(array)

    def _both(self, images: np.ndarray) -> np.ndarray:
        return np.stack((images, images[:, :, ::-1]), axis=1)
