"""Grey to RGB, and RGB to the BGR order that some published weights were trained with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sightkit.preprocessing.base import ArrayPreprocessor


@dataclass(frozen=True)
class ColourPreprocessor(ArrayPreprocessor):
    """Grey to RGB by repeating the channel; a colour image stays as it is.

    The inverse of ``GrayscalePreprocessor``, so that a colour network accepts a grey photo:
    to grey and back again changes a grey image in nothing.

    Example:
        >>> ColourPreprocessor()(np.zeros((2, 2, 1), np.uint8)).shape
        (2, 2, 3)
    """

    def transform(self, images: np.ndarray) -> np.ndarray:
        """Convert (N, H, W, 1) or (N, H, W, 3) to (N, H, W, 3) of the same dtype."""
        return np.repeat(images, 3, axis=-1) if images.shape[-1] == 1 else images


@dataclass(frozen=True)
class BGRPreprocessor(ArrayPreprocessor):
    """RGB to BGR, last of a chain: for weights that were trained so (VGG, ResNet50, SqueezeNet).

    Images are RGB everywhere else in sightkit.

    Example:
        >>> BGRPreprocessor()(np.array([[[1, 2, 3]]], np.uint8)).ravel().tolist()
        [3, 2, 1]
    """

    accepted_channels: ClassVar[tuple[int, ...]] = (3,)

    def transform(self, images: np.ndarray) -> np.ndarray:
        """Reverse the channels of (N, H, W, 3), of any dtype."""
        return np.ascontiguousarray(images[..., ::-1])
