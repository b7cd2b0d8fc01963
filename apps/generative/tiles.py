"""Large pictures by pieces that overlap, so that no seam can be seen and memory is bounded."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def in_tiles(
    image: np.ndarray,
    work: Callable[[np.ndarray], np.ndarray],
    *,
    tile: int,
    margin: int,
    factor: int = 1,
) -> np.ndarray:
    """Enlarge a picture tile by tile: equal to what ``work`` makes of it at once.

    Every tile is given with ``margin`` pixels of its neighbours around it; beyond the edges the
    picture is its own mirror image.

    Args:
        image: (H, W, C), any size from one pixel on.
        work: a row of tiles, (n, tile + 2 margin, tile + 2 margin, C), to
            (n, factor · tile, factor · tile, K); called with any n.
        tile: pixels of a side.
        margin: pixels around a tile that ``work`` reads.
        factor: sides of the result by those of the picture.

    Returns:
        (factor · H, factor · W, K), of the dtype that ``work`` returns.
    """
    height, width = image.shape[:2]
    # A tile that is cut off at an edge has the mirror image too, as far as its margin.
    over = [(-side % tile) for side in (height, width)]
    pads = [(margin, margin + over[0]), (margin, margin + over[1]), (0, 0)]
    padded = np.pad(image, pads, mode="symmetric")
    side = tile + 2 * margin
    windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side), axis=(0, 1))
    windows = np.moveaxis(windows[::tile, ::tile], 2, -1)
    rows = []
    for row in windows:
        made = work(np.ascontiguousarray(row))
        rows.append(np.concatenate(made, axis=1))
    return np.concatenate(rows)[: factor * height, : factor * width]
