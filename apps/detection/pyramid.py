"""One picture in many sizes, so that a window of one size sees things of many."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from sightkit._errors import SightkitError
from sightkit.preprocessing import SimplePreprocessor


def image_pyramid(
    image: np.ndarray, scale: float = 1.5, smallest: tuple[int, int] = (1, 1)
) -> Iterator[tuple[np.ndarray, float]]:
    """Yield a picture in sizes that fall by ``scale``, while a window fits into it.

    Every size is made from the picture itself by area averaging, which cannot alias.

    Args:
        image: uint8 (H, W, 3) or (H, W, 1).
        scale: of a picture's sides to those of the next, above 1.
        smallest: (height, width) that no picture is smaller than: the window's.

    Returns:
        Iterator of (picture, factor): the first is ``image`` itself with factor 1; what is at
        (x, y) in a picture is at (x·factor, y·factor) in ``image``, to half a pixel of the smaller.

    Raises:
        SightkitError: a scale that makes nothing smaller, or an image smaller than ``smallest``.
    """
    if not 1 < scale < math.inf:
        raise SightkitError(
            "scale must be above 1: each picture is so many times smaller than the one before.",
            "Give 1.5.",
            scale=scale,
        )
    require_room(image, smallest)
    return _pyramid(image, scale, smallest)


def _pyramid(
    image: np.ndarray, scale: float, smallest: tuple[int, int]
) -> Iterator[tuple[np.ndarray, float]]:
    height, width = image.shape[:2]
    yield image, 1.0
    factor = scale
    while True:
        size = round(height / factor), round(width / factor)
        if size[0] < max(1, smallest[0]) or size[1] < max(1, smallest[1]):
            return
        yield SimplePreprocessor(size[1], size[0])(image), factor
        factor *= scale


def require_room(image: np.ndarray, window: tuple[int, int]) -> None:
    """Raise unless a window (height, width) fits into an image."""
    if image.shape[0] < window[0] or image.shape[1] < window[1]:
        raise SightkitError(
            "The picture must not be smaller than the window.",
            "Enlarge it, or take a smaller window.",
            picture=image.shape[:2],
            window=window,
        )
