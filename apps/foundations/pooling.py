"""Pooling: of each window one number, the largest or the mean. No parameters.

Formula: docs/foundations.md#pooling. Test: tests/apps/foundations/test_pooling.py.
Picture: docs/foundations/convolutions.png, drawn by scripts/foundations/convolutions.py.
"""

from __future__ import annotations

import numpy as np

from sightkit.apps.foundations import shapes
from sightkit.apps.foundations.convolution import output_size

Array = np.ndarray


def max_pooling(x: Array, size: int = 2, stride: int | None = None) -> tuple[Array, Array]:
    """Return the largest number of each window, and where it was.

    Args:
        x: pictures, (N, H, W, D).
        size: side of a window.
        stride: pixels from a window to the next; the size by default, so that none overlap.

    Returns:
        the numbers (N, H', W', D), and their places, int64 of the same shape: row · W + column,
        which the way back and max-unpooling need. Of equal numbers the first.
    """
    windows = _windows(x, size, stride or size)
    best = windows.argmax(axis=-1)
    row, column = np.divmod(best, size)
    rows, columns = windows.shape[1:3]
    top = (stride or size) * np.arange(rows)[:, None, None]
    left = (stride or size) * np.arange(columns)[:, None]
    places = (top + row) * x.shape[2] + left + column
    return np.take_along_axis(windows, best[..., None], axis=-1)[..., 0], places


def max_pooling_backward(upstream: Array, places: Array, shape: tuple[int, ...]) -> Array:
    """Return the gradient by ``x`` (``shape``): the winners of a window get all of it.

    A number that won in several windows, which overlap, gets the sum.
    """
    letters = f"{shape[0]} R C {shape[3]}"
    shapes.check(upstream=(upstream, letters), places=(places, letters))
    by_x = np.zeros(shape, upstream.dtype)
    n, _, _, d = np.ogrid[tuple(map(slice, places.shape))]
    np.add.at(by_x.reshape(shape[0], -1, shape[3]), (n, places, d), upstream)
    return by_x


def average_pooling(x: Array, size: int = 2, stride: int | None = None) -> Array:
    """Return the mean of each window, (N, H', W', D)."""
    return _windows(x, size, stride or size).mean(axis=-1)


def average_pooling_backward(
    upstream: Array, shape: tuple[int, ...], size: int = 2, stride: int | None = None
) -> Array:
    """Return the gradient by ``x`` (``shape``): each number of a window gets the same share."""
    stride = stride or size
    rows, columns = (output_size(side, size, stride) for side in shape[1:3])
    shapes.check(upstream=(upstream, f"{shape[0]} {rows} {columns} {shape[3]}"))
    by_x = np.zeros(shape, upstream.dtype)
    for i, j in np.ndindex(size, size):
        below, right = i + stride * (rows - 1) + 1, j + stride * (columns - 1) + 1
        by_x[:, i:below:stride, j:right:stride] += upstream / size**2
    return by_x


def _windows(x: Array, size: int, stride: int) -> Array:
    """Every window as a row: (N, H', W', D, size · size)."""
    shapes.check(x=(x, "N H W D"))
    for side in x.shape[1:3]:
        output_size(side, size, stride)
    views = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))
    views = views[:, ::stride, ::stride]
    return views.reshape(*views.shape[:4], size * size)
