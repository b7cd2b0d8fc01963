"""Grey to RGB, RGB to grey, and RGB to the BGR order that some published weights expect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np

from sightkit.preprocessing.base import BYTES_OR_FLOATS, ArrayPreprocessor


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


@dataclass(frozen=True)
class GrayscalePreprocessor(ArrayPreprocessor):
    """RGB to luma, 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601); a grey image stays as it is.

    A grey photo in three equal channels, as ``io.read_image`` returns it, keeps its values.
    ``ColourPreprocessor`` is the way back.

    Example:
        >>> GrayscalePreprocessor()(np.full((2, 2, 3), 7, np.uint8)).shape
        (2, 2, 1)
    """

    accepted_dtypes: ClassVar[tuple[str, ...] | None] = BYTES_OR_FLOATS

    def transform(self, images: np.ndarray) -> np.ndarray:
        """Convert uint8 or float32 (N, H, W, 3) in RGB order, or (N, H, W, 1), to (N, H, W, 1)."""
        if images.shape[-1] == 1:
            return images
        tall = np.ascontiguousarray(images).reshape(-1, images.shape[-2], 3)  # one call for all
        return cv2.cvtColor(tall, cv2.COLOR_RGB2GRAY).reshape(*images.shape[:-1], 1)
