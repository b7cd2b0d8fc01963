"""A map laid over the picture that it is about."""

from __future__ import annotations

import cv2
import numpy as np
from matplotlib import colormaps

from sightkit.preprocessing import GrayscalePreprocessor

STRONGEST = 99.5
"""Percentile of a map's values that gets the full colour: single pixels would hide the rest."""
SHOWN = 0.75
"""Of a place's colour at most; the picture shines through."""


def overlay(picture: np.ndarray, values: np.ndarray, *, signed: bool = False) -> np.ndarray:
    """Return a grey copy of a picture, in colour where a map is high.

    Args:
        picture: uint8 (H, W, 3) RGB or (H, W, 1).
        values: float32 (h, w), of the same shape or another size.
        signed: values may be below 0: then red speaks for the class and blue against it; else
            places go from unmarked to yellow.

    Returns:
        uint8 (H, W, 3), RGB.
    """
    height, width = picture.shape[:2]
    grey = picture if picture.shape[2] == 1 else GrayscalePreprocessor()(picture)
    grey = grey.reshape(height, width, 1).astype(np.float32)
    values = cv2.resize(np.asarray(values, np.float32), (width, height))
    if not signed:
        values = values - values.min()
    strongest = np.percentile(np.abs(values), STRONGEST)
    values = np.clip(values / max(strongest, 1e-12), -1, 1)
    shades = (values + 1) / 2 if signed else values
    colours = 255 * colormaps["bwr" if signed else "inferno"](shades)[..., :3]
    share = SHOWN * np.sqrt(np.abs(values))[..., None]
    return np.rint(grey * (1 - share) + colours * share).clip(0, 255).astype(np.uint8)
