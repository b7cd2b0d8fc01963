"""Several views of one image: corners and centre, each mirrored; or it and its mirror image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sightkit.preprocessing.base import ArrayPreprocessor, check_size
from sightkit.preprocessing.patch import check_fits


@dataclass(frozen=True)
class CropPreprocessor(ArrayPreprocessor):
    """Cut the four corners and the centre out of an image, and mirror each.

    A network's predictions for them are averaged (Krizhevsky et al. 2012). In a ``Pipeline`` the
    steps after it see each crop as an image.

    Args:
        width: of a crop, pixels.
        height: of a crop, pixels.
        mirrors: add the five mirrored left to right: ten crops instead of five.

    Example:
        >>> CropPreprocessor(227, 227)(np.zeros((256, 256, 3), np.uint8)).shape
        (10, 227, 227, 3)
    """

    crops: ClassVar[bool] = True

    width: int
    height: int
    mirrors: bool = True

    def __post_init__(self) -> None:
        check_size("CropPreprocessor", width=self.width, height=self.height)

    def transform(self, images: np.ndarray) -> np.ndarray:
        """Cut images.

        Args:
            images: (N, H, W, C) of any real dtype, 1 or 3 channels, nowhere smaller than a crop.

        Returns:
            The same dtype, (N, 10 or 5, height, width, C): upper left, upper right, lower right,
            lower left, centre (rounded towards the upper left), then their mirror images.
        """
        check_fits("CropPreprocessor", images, self.width, self.height)
        count, rows, columns, channels = images.shape
        down, right = rows - self.height, columns - self.width
        corners = ((0, 0), (0, right), (down, right), (down, 0), (down // 2, right // 2))
        number = len(corners) * (2 if self.mirrors else 1)
        crops = np.empty((count, number, self.height, self.width, channels), images.dtype)
        for index, (top, left) in enumerate(corners):
            crops[:, index] = images[:, top : top + self.height, left : left + self.width]
        if self.mirrors:
            crops[:, 5:] = crops[:, :5, :, ::-1]
        return crops


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
