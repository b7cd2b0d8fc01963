"""Two views of one image: as it is, and mirrored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sightkit.preprocessing.base import ArrayPreprocessor


@dataclass(frozen=True)
class MirrorPreprocessor(ArrayPreprocessor):
    """An image and its mirror image, left to right; a network's predictions are averaged.

    Like ``CropPreprocessor`` it makes a stack of one image: in a ``Pipeline`` the steps after it
    see each of the two as an image.

    Example:
        >>> MirrorPreprocessor()(np.array([[[1], [2]]], np.uint8))[..., 0].tolist()
        [[[1, 2]], [[2, 1]]]
    """

    crops: ClassVar[bool] = True

    def transform(self, images: np.ndarray) -> np.ndarray:
        """Mirror (N, H, W, C) of any real dtype to (N, 2, H, W, C)."""
        return np.stack((images, images[:, :, ::-1]), axis=1)
