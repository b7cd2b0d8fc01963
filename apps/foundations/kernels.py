"""The classic kernels: nine numbers that find edges, sharpen or blur, made by hand.

Formula: docs/foundations.md#kernels. Test: tests/apps/foundations/test_kernels.py.
Picture: docs/foundations/convolutions.png, drawn by scripts/foundations/convolutions.py.
"""

from __future__ import annotations

import numpy as np

from sightkit.apps.foundations import shapes
from sightkit.apps.foundations.convolution import output_size, same_padding

Array = np.ndarray

KERNELS: dict[str, Array] = {
    "edges": np.array([[0, -1, 0], [-1, 4, -1], [0, -1, 0]]),
    "sharpen": np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]]),
    "emboss": np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]]),
    "sobel x": np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]),
    "sobel y": np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]]),
    "laplacian": np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]]),
    "small blur": np.full((7, 7), 1 / 49),
    "large blur": np.full((21, 21), 1 / 441),
}
"""Weights whose sum is 0 answer nothing on an even plane; whose sum is 1, the plane itself."""


def correlate(picture: Array, kernel: Array, *, same: bool = False) -> Array:
    """Return Σ h(i, j)·f(x + i, y + j) at every place: the kernel laid on the picture.

    Args:
        picture: f, (H, W), or (H, W, C), of which each channel is filtered alone.
        kernel: h, (F, F).
        same: repeat the border, so that the size stays; else only whole windows count, and the
            answer is smaller by F − 1.

    Returns:
        float64; not yet fit to be shown, see ``rescale``.
    """
    shapes.check(picture=(picture, "H W ..."), kernel=(kernel, "F G"))
    if same:
        edge = same_padding(len(kernel))
        around = ((edge, edge), (edge, edge), (0, 0))[: picture.ndim]
        picture = np.pad(picture, around, mode="edge")
    rows, columns = (output_size(picture.shape[k], kernel.shape[k]) for k in (0, 1))
    out = np.zeros((rows, columns, *picture.shape[2:]))
    for (i, j), weight in np.ndenumerate(kernel):
        out += weight * picture[i : i + rows, j : j + columns]
    return out


def convolve(picture: Array, kernel: Array, *, same: bool = False) -> Array:
    """Return Σ h(i, j)·f(x − i, y − j): the kernel turned by 180 degrees, laid on the picture.

    For kernels that look the same then, as edges and blur, it is the correlation; of Sobel's and
    emboss the sign or the light's direction changes.
    """
    shapes.check(picture=(picture, "H W ..."), kernel=(kernel, "F G"))
    return correlate(picture, kernel[::-1, ::-1], same=same)


def rescale(answer: Array) -> Array:
    """Return uint8 from 0, the smallest number, to 255, the largest: an answer fit to be shown.

    Cutting at 0 and 255 instead would hide half of every edge, from light to dark.
    """
    low, high = answer.min(), answer.max()
    if low == high:
        return np.zeros(answer.shape, np.uint8)
    return np.round(255 * (answer - low) / (high - low)).astype(np.uint8)
