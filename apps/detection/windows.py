"""All windows of a picture, without copying a pixel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sightkit._errors import SightkitError
from sightkit.apps.detection.pyramid import require_room


def sliding_window(
    image: np.ndarray, window: tuple[int, int], stride: int | tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Return views of a picture, and where the windows are.

    The last window of a row, and the last row, end with the picture, so that every pixel is in a
    window; they may overlap their neighbours by more than the others do.

    Args:
        image: (H, W, C), any dtype.
        window: (height, width), pixels.
        stride: pixels from window to window, or (down, right).

    Returns:
        ``views``, (H - height + 1, W - width + 1, height, width, C), a read-only view of the
        picture: ``views[y, x]`` is the window whose upper left corner is there. And ``corners``,
        int64 (N, 2): (y, x) of each window, row by row; ``views[tuple(corners[:256].T)]`` copies
        the first 256 windows.

    Raises:
        SightkitError: a picture smaller than the window, a window or stride below 1, no (H, W, C).

    Example:
        >>> views, corners = sliding_window(np.zeros((30, 40, 3), np.uint8), (20, 20), 8)
        >>> len(corners), corners[-1].tolist(), views[10, 20].shape
        (12, [10, 20], (20, 20, 3))
    """
    (height, width), (down, right) = checked_sides(window, stride)
    if image.ndim != 3:
        raise SightkitError("A picture must be (height, width, channels).", shape=image.shape)
    require_room(image, (height, width))
    views = np.lib.stride_tricks.sliding_window_view(image, (height, width, image.shape[2]))
    rows = _starts(image.shape[0], height, down)
    columns = _starts(image.shape[1], width, right)
    corners = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1).reshape(-1, 2)
    return views[:, :, 0], corners


def checked_sides(
    window: Sequence[int], stride: int | Sequence[int]
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return window and stride as (height, width) and (down, right).

    Raises:
        SightkitError: no whole numbers, or below 1.
    """
    strides = stride if isinstance(stride, Sequence) else (stride, stride)
    pairs = []
    for name, sides in (("window", window), ("stride", strides)):
        if len(sides) != 2 or not all(
            isinstance(side, int | np.integer) and side >= 1 for side in sides
        ):
            received: dict[str, Any] = {name: tuple(sides)}
            raise SightkitError(
                f"The {name} must be a whole number of pixels, at least 1, in each direction.",
                **received,
            )
        pairs.append((int(sides[0]), int(sides[1])))
    return pairs[0], pairs[1]


def _starts(side: int, window: int, stride: int) -> np.ndarray:
    """Return where windows begin along a side, int64; the last ends with the picture."""
    last = side - window
    starts = np.arange(0, last + 1, stride)
    return starts if starts[-1] == last else np.append(starts, last)
