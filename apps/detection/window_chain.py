"""A bundle's preprocessing for windows: once for a whole picture where pixels are treated alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sightkit.preprocessing import (
    AspectAwarePreprocessor,
    BGRPreprocessor,
    ColourPreprocessor,
    GrayscalePreprocessor,
    ImageToArrayPreprocessor,
    MeanPreprocessor,
    Pipeline,
    Preprocessor,
    SimplePreprocessor,
    flat_steps,
)

SIZING = (SimplePreprocessor, AspectAwarePreprocessor)
POINTWISE = (
    BGRPreprocessor,
    ColourPreprocessor,
    GrayscalePreprocessor,
    ImageToArrayPreprocessor,
    MeanPreprocessor,
)
"""Steps that make each pixel of one pixel."""


@dataclass(frozen=True)
class PictureChain:
    """Preprocessing that commutes with cutting windows.

    Attributes:
        pixels: for pictures of any size, what the chain does to each pixel.
        margin: (above, left), pixels of a window that the chain cuts off before the network.
    """

    pixels: Pipeline
    margin: tuple[int, int]


def picture_chain(
    chain: Preprocessor, window: tuple[int, int], size: tuple[int, int]
) -> PictureChain | None:
    """Return a chain for whole pictures whose windows are those of the chain, bit by bit.

    Args:
        chain: of a bundle.
        window: (height, width) of the windows.
        size: (height, width) of what the network takes.

    Returns:
        None where the chain resizes windows of this size, or knows where a pixel is.
    """
    steps = list(flat_steps(chain))
    if place_dependent(steps):
        return None
    places = np.zeros((*window, 3), np.float32)
    places[..., 0], places[..., 1] = np.mgrid[: window[0], : window[1]]
    cut = Pipeline(step for step in steps if isinstance(step, SIZING))(places)
    above, left = cut[0, 0, :2].astype(int).tolist()
    expected = places[above : above + size[0], left : left + size[1]]
    if not np.array_equal(cut, expected):
        return None
    return PictureChain(
        Pipeline(step for step in steps if isinstance(step, POINTWISE)), (above, left)
    )


def window_of(chain: Preprocessor, size: tuple[int, int]) -> tuple[int, int]:
    """Return the smallest window that a chain does not resize; the network's size if none is.

    Of ImageNet's usual chain, "short side 256, middle 224", it is 256x256.
    """
    for more in range(size[0] + 1):
        window = size[0] + more, round(size[1] * (size[0] + more) / size[0])
        if picture_chain(chain, window, size) is not None:
            return window
    return size


def place_dependent(steps: list[Preprocessor]) -> list[str]:
    """Return the names of steps that are neither of ``SIZING`` nor of ``POINTWISE``."""
    return [type(step).__name__ for step in steps if not isinstance(step, SIZING + POINTWISE)]
