"""Pixels as a generator gives them, in [-1, 1], and as pictures have them. No Keras here."""

from __future__ import annotations

import numpy as np


def to_floats(images: np.ndarray) -> np.ndarray:
    """Scale uint8 to float32 in [-1, 1], the range of the hyperbolic tangent."""
    return np.multiply(images, np.float32(1 / 127.5), dtype=np.float32) - np.float32(1)


def to_uint8(images: np.ndarray) -> np.ndarray:
    """Scale floats in [-1, 1] to uint8."""
    return np.rint((np.asarray(images, np.float32) + 1) * 127.5).clip(0, 255).astype(np.uint8)
