"""Luma and chroma: what networks of super-resolution sharpen, and what they leave to bicubic."""

from __future__ import annotations

import cv2
import numpy as np

FROM_RGB = np.array(
    [[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]]
) / 255  # fmt: skip
"""ITU-R BT.601 of 0-255, as MATLAB's rgb2ycbcr has it."""
OFFSETS = np.array([16.0, 128.0, 128.0])
TO_RGB = np.linalg.inv(FROM_RGB)


def to_ycbcr(image: np.ndarray) -> np.ndarray:
    """Return MATLAB's rgb2ycbcr without its rounding.

    Args:
        image: (…, 3) RGB, 0-255.

    Returns:
        float64 (…, 3): luma 16-235, chroma 16-240.
    """
    return image @ FROM_RGB.T + OFFSETS


def from_ycbcr(planes: np.ndarray) -> np.ndarray:
    """Return RGB of luma and chroma, the inverse of ``to_ycbcr``: float64 (…, 3), not clipped."""
    return (planes - OFFSETS) @ TO_RGB.T


def matlab_luma(image: np.ndarray) -> np.ndarray:
    """Return the luma of published figures: uint8 (H, W, 3) RGB to float64 (H, W, 1), 16-235.

    Rounded, as MATLAB does with a uint8 picture.
    """
    return np.round(to_ycbcr(image)[..., :1])


def opencv_luma(image: np.ndarray) -> np.ndarray:
    """Return OpenCV's grey, 0-255: uint8 (H, W, 3) RGB to float64 (H, W, 1), rounded.

    Its range is 255/219 of MATLAB's, so the same errors have a PSNR that is 1.32 dB lower.
    """
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., np.newaxis].astype(np.float64)


def as_bytes(values: np.ndarray) -> np.ndarray:
    """Return values as uint8: rounded, clipped to 0-255."""
    return np.clip(np.round(values), 0, 255).astype(np.uint8)
