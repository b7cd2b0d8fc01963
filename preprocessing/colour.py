"""Grey to RGB, and RGB to the BGR order that some published weights were trained with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sightkit.preprocessing.base import Images, Preprocessor, check_batch, check_image


@dataclass(frozen=True)
class ColourPreprocessor(Preprocessor):
    """Grey to RGB by repeating the channel; a colour image stays as it is.

    The inverse of ``GrayscalePreprocessor``, so that a colour network accepts a grey photo:
    to grey and back again changes a grey image in nothing.

    Example:
        >>> ColourPreprocessor()(np.zeros((2, 2, 1), np.uint8)).shape
        (2, 2, 3)
    """

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Convert one image, (H, W, 1) or (H, W, 3), to (H, W, 3) of the same dtype."""
        return self._to_colour(check_image(image, "ColourPreprocessor"))

    def batch(self, images: Images) -> np.ndarray:
        """Convert (N, H, W, 1) or (N, H, W, 3) at once, to (N, H, W, 3) of the same dtype."""
        array = check_batch(images, "ColourPreprocessor")
        return super().batch(images) if array is None else self._to_colour(array)

    def _to_colour(self, array: np.ndarray) -> np.ndarray:
        return np.repeat(array, 3, axis=-1) if array.shape[-1] == 1 else array


@dataclass(frozen=True)
class BGRPreprocessor(Preprocessor):
    """RGB to BGR, last of a chain: for weights that were trained so (VGG, ResNet50, SqueezeNet).

    Images are RGB everywhere else in sightkit.

    Example:
        >>> BGRPreprocessor()(np.array([[[1, 2, 3]]], np.uint8)).ravel().tolist()
        [3, 2, 1]
    """

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Reverse the channels of one image, (H, W, 3), of any dtype."""
        return np.ascontiguousarray(check_image(image, "BGRPreprocessor", channels=(3,))[..., ::-1])

    def batch(self, images: Images) -> np.ndarray:
        """Reverse the channels of (N, H, W, 3)."""
        array = check_batch(images, "BGRPreprocessor", channels=(3,))
        return super().batch(images) if array is None else np.ascontiguousarray(array[..., ::-1])
