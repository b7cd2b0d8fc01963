"""Keep a picture's colours: style is taken over in its lightness alone.

Gatys, Bethge, Hertzmann, Shechtman, "Preserving color in neural artistic style transfer", 2016.
"""

from __future__ import annotations

import cv2
import numpy as np


def greyed(picture: np.ndarray, like: np.ndarray | None = None) -> np.ndarray:
    """Return the lightness of a picture in three equal channels.

    Args:
        picture: uint8 (H, W, 3), RGB.
        like: uint8 picture whose mean and spread of lightness it gets.
    """
    light = _lightness(picture)
    if like is not None:
        wanted = _lightness(like)
        light = (light - light.mean()) * (wanted.std() / max(light.std(), 1.0)) + wanted.mean()
    return np.repeat(np.rint(np.clip(light, 0, 255)).astype(np.uint8)[..., np.newaxis], 3, axis=2)


def recoloured(picture: np.ndarray, content: np.ndarray) -> np.ndarray:
    """Return the lightness of a picture with the colours of another one, uint8 (H, W, 3)."""
    colours = cv2.cvtColor(content, cv2.COLOR_RGB2YCrCb)
    colours[..., 0] = np.rint(_lightness(picture))
    return cv2.cvtColor(colours, cv2.COLOR_YCrCb2RGB)


def _lightness(picture: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(picture, cv2.COLOR_RGB2YCrCb)[..., 0].astype(np.float32)
