"""Colour to grey, so that a grey network accepts a colour photo."""

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
)


@dataclass(frozen=True)
class GrayscalePreprocessor(Preprocessor):
    """RGB to luma, 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601); a grey image stays as it is.

    A grey photo in three equal channels, as ``io.read_image`` returns it, keeps its values.
    ``ColourPreprocessor`` is the way back.

    Example:
        >>> GrayscalePreprocessor()(np.full((2, 2, 3), 7, np.uint8)).shape
        (2, 2, 1)
    """

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Convert one image, uint8 or float32 (H, W, 3) in RGB order or (H, W, 1), to (H, W, 1)."""
        return self._to_grey(check_image(image, "GrayscalePreprocessor", dtypes=BYTES_OR_FLOATS))

    def batch(self, images: Images) -> np.ndarray:
        """Convert (N, H, W, 3) or (N, H, W, 1) at once, to (N, H, W, 1) of the same dtype."""
        array = check_batch(images, "GrayscalePreprocessor", dtypes=BYTES_OR_FLOATS)
        return super().batch(images) if array is None else self._to_grey(array)

    def _to_grey(self, array: np.ndarray) -> np.ndarray:
        if array.shape[-1] == 1:
            return array
        tall = np.ascontiguousarray(array).reshape(-1, array.shape[-2], 3)  # one call for all
        return cv2.cvtColor(tall, cv2.COLOR_RGB2GRAY).reshape(*array.shape[:-1], 1)
