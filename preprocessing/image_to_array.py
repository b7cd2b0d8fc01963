"""The one step from bytes to floats."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sightkit._errors import SightkitError
from sightkit.preprocessing.base import ArrayPreprocessor


@dataclass(frozen=True)
class ImageToArrayPreprocessor(ArrayPreprocessor):
    """uint8 image to float32 array, multiplied by ``scale`` (1/255: to the range [0, 1]).

    Args:
        scale: factor; 1.0 keeps the range 0–255.

    Example:
        >>> float(ImageToArrayPreprocessor()(np.full((1, 1, 1), 255, np.uint8)).max())
        1.0
    """

    scale: float = 1 / 255

    def __post_init__(self) -> None:
        if not (np.isfinite(self.scale) and self.scale > 0):
            raise SightkitError("scale must be a positive number.", scale=self.scale)

    def transform(self, images: np.ndarray) -> np.ndarray:
        """Convert (N, H, W, C) of any real dtype to float32 of the same shape."""
        return np.multiply(images, np.float32(self.scale), dtype=np.float32)
