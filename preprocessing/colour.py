"""Grey to RGB, and RGB to the BGR order that some published weights were trained with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sightkit.preprocessing.base import Preprocessor, check_image


@dataclass(frozen=True)
class ColourPreprocessor(Preprocessor):
    """Grey to RGB by repeating the channel; a colour image stays as it is.

    The inverse of ``GrayscalePreprocessor``, so that a colour network accepts a grey photo.

    Example:
        >>> ColourPreprocessor()(np.zeros((2, 2, 1), np.uint8)).shape
        (2, 2, 3)
    """

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Convert one image, (H, W, 1) or (H, W, 3), to (H, W, 3) of the same dtype."""
        image = check_image(image, "ColourPreprocessor")
        return np.repeat(image, 3, axis=2) if image.shape[2] == 1 else image


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

    def batch(self, images: np.ndarray) -> np.ndarray:
        """Reverse the channels of (N, H, W, 3)."""
        return np.ascontiguousarray(images[..., ::-1])
