"""MATLAB's ``imresize``, which the published figures of super-resolution were made with."""

from __future__ import annotations

import functools

import numpy as np

from sightkit._errors import SightkitError

A = -0.5
"""Of the cubic kernel (Keys 1981); OpenCV's has -0.75."""
SUPPORT = 2
"""Pixels on each side that the kernel reads."""


def imresize(image: np.ndarray, size: tuple[int, int], *, antialias: bool = True) -> np.ndarray:
    """Resize bicubically as MATLAB does: its kernel, its edges, and wider when pictures shrink.

    Args:
        image: float or uint8 (…, H, W, C), any range.
        size: height and width of the result, pixels.
        antialias: widen the kernel where the picture shrinks, as MATLAB does by default; without,
            a pixel is read from four by four whatever the factor, which folds fine patterns into
            coarse ones.

    Returns:
        float64 (…, height, width, C), neither clipped nor rounded.

    Raises:
        SightkitError: an empty picture or size.

    Reference:
        MATLAB's imresize with "bicubic"; Keys, "Cubic convolution interpolation for digital image
        processing", 1981.

    Example:
        >>> imresize(np.ones((4, 6, 1)), (2, 3)).shape
        (2, 3, 1)
    """
    height, width = image.shape[-3:-1]
    if min(height, width, *size) < 1:
        raise SightkitError(
            "A picture has at least one pixel.", "Give a size of at least 1x1.",
            picture=image.shape, size=size,
        )  # fmt: skip
    rows = resizing_matrix(height, size[0], antialias)
    columns = resizing_matrix(width, size[1], antialias)
    return np.einsum("ih,...hwc,jw->...ijc", rows, image, columns, optimize=True)


@functools.lru_cache(maxsize=32)
def resizing_matrix(given: int, wanted: int, antialias: bool = True) -> np.ndarray:
    """Return float64 (wanted, given): what each new pixel of a line takes from the old ones."""
    scale = wanted / given
    shrink = min(scale, 1.0) if antialias else 1.0
    centres = (np.arange(wanted) + 0.5) / scale - 0.5
    reach = SUPPORT / shrink
    first = np.floor(centres - reach).astype(int)
    read = first[:, np.newaxis] + np.arange(int(np.ceil(2 * reach)) + 2)
    weights = _cubic(shrink * (centres[:, np.newaxis] - read))
    weights /= weights.sum(axis=1, keepdims=True)
    # Beyond an edge the picture is its own mirror image.
    mirrored = read % (2 * given)
    mirrored = np.where(mirrored < given, mirrored, 2 * given - 1 - mirrored)
    matrix = np.zeros((wanted, given))
    np.add.at(matrix, (np.arange(wanted)[:, np.newaxis], mirrored), weights)
    matrix.flags.writeable = False
    return matrix


def _cubic(x: np.ndarray) -> np.ndarray:
    x = np.abs(x)
    near = (A + 2) * x**3 - (A + 3) * x**2 + 1
    far = A * x**3 - 5 * A * x**2 + 8 * A * x - 4 * A
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))
