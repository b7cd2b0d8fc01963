"""All windows of a picture, without copying a pixel; and the picture in many sizes."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np

from sightkit._errors import SightkitError
from sightkit.preprocessing import SimplePreprocessor


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


def background_indices(background: Collection[str], names: Sequence[str]) -> list[int]:
    """Return the labels of classes that are not things; raise for one that is none."""
    unknown = sorted(set(background) - set(names))
    if unknown:
        raise SightkitError(
            "The background must be classes of the classifier.",
            "Compare the spelling.",
            unknown=unknown,
            classes=names[:20],
        )
    return [names.index(name) for name in background]


def _starts(side: int, window: int, stride: int) -> np.ndarray:
    """Return where windows begin along a side, int64; the last ends with the picture."""
    last = side - window
    starts = np.arange(0, last + 1, stride)
    return starts if starts[-1] == last else np.append(starts, last)
