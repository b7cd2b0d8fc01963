"""Convolution: one small window of weights, at every place of a picture.

Formula: docs/foundations.md#convolution. Test: tests/apps/foundations/test_convolution.py.
Picture: docs/foundations/convolutions.png, drawn by scripts/foundations/convolutions.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from sightkit._errors import SightkitError
from sightkit.apps.foundations import arguments, shapes

Array = np.ndarray


def output_size(size: int, window: int, stride: int = 1, padding: int = 0) -> int:
    """Return (W − F + 2P)/S + 1, how many places a window has along one side.

    Raises:
        SightkitError: the window is larger than the padded picture, or the stride does not divide.
    """
    arguments.not_negative(padding=padding)
    room = size - window + 2 * padding
    given = {"size": size, "window": window, "stride": stride, "padding": padding}
    if min(size, window, stride) < 1 or room < 0:
        raise SightkitError(
            "A window must fit into the padded picture, and move by at least 1.",
            "Take a smaller window, or more padding.",
            **given,
        )
    if room % stride:
        raise SightkitError(
            f"The stride must divide W − F + 2P = {room}: else the last {room % stride} pixels go.",
            f"Take a side of {size - room % stride}, or stride 1.",
            **given,
        )
    return room // stride + 1


def same_padding(window: int) -> int:
    """Return (F − 1)/2, the padding that keeps the size at stride 1.

    Raises:
        SightkitError: an even window, which has no middle.
    """
    if window % 2 == 0:
        raise SightkitError(
            "Same padding needs a window with a middle: an odd size.",
            f"Take {window + 1}, or name the padding as a number.",
            window=window,
        )
    return (window - 1) // 2


def parameters(window: int, depth: int, kernels: int) -> int:
    """Return (F·F·D + 1)·K: weights and a bias of each kernel, whatever the picture's size."""
    return (window * window * depth + 1) * kernels


def convolution(
    x: Array, kernels: Array, bias: Array, stride: int = 1, padding: int | str = 0
) -> Array:
    """Return what each kernel finds at each place: what networks call a convolution.

    It is a correlation, Σ h(i, j)·f(x + i, y + j); mathematics' convolution turns the kernel.

    Args:
        x: pictures, (N, H, W, D).
        kernels: weights, (F, F, D, K), as Keras has them.
        bias: of each kernel, (K,).
        stride: pixels from a place to the next.
        padding: zeros around the picture, or ``"same"``.

    Returns:
        (N, H', W', K), H' by ``output_size``.
    """
    padded, rows, columns = _prepared(x, kernels, stride, padding)
    shapes.check(bias=(bias, str(kernels.shape[3])))
    out = np.broadcast_to(bias, (len(x), rows, columns, kernels.shape[3])).astype(x.dtype)
    for i, j, place in _places(kernels, rows, columns, stride):
        out += padded[place] @ kernels[i, j]
    return out


def convolution_backward(
    upstream: Array, x: Array, kernels: Array, stride: int = 1, padding: int | str = 0
) -> tuple[Array, Array, Array]:
    """Return the gradients by ``x``, ``kernels`` and the bias.

    A pixel has part in every output whose window covers it, and gets the sum of what they pass
    back; a weight has part in all outputs.
    """
    padded, rows, columns = _prepared(x, kernels, stride, padding)
    shapes.check(upstream=(upstream, f"{len(x)} {rows} {columns} {kernels.shape[3]}"))
    by_padded, by_kernels = np.zeros_like(padded), np.empty_like(kernels)
    for i, j, place in _places(kernels, rows, columns, stride):
        by_padded[place] += upstream @ kernels[i, j].T
        by_kernels[i, j] = np.tensordot(padded[place], upstream, axes=((0, 1, 2), (0, 1, 2)))
    edge = (padded.shape[1] - x.shape[1]) // 2
    by_x = by_padded[:, edge : edge + x.shape[1], edge : edge + x.shape[2]]
    return by_x, by_kernels, upstream.sum(axis=(0, 1, 2))


def _places(kernels: Array, rows: int, columns: int, stride: int) -> Iterator[tuple[Any, ...]]:
    """Of each weight of a window: its row and column, and all the pixels that it meets."""
    below, right = stride * (rows - 1) + 1, stride * (columns - 1) + 1
    for i, j in np.ndindex(kernels.shape[:2]):
        yield i, j, (slice(None), slice(i, i + below, stride), slice(j, j + right, stride))


def _prepared(x: Array, kernels: Array, stride: int, padding: int | str) -> tuple[Any, ...]:
    """The padded pictures, and how many places a window has."""
    shapes.check(x=(x, "N H W D"), kernels=(kernels, "F G D K"))
    edge: Any = same_padding(len(kernels)) if padding == "same" else padding
    sizes = [output_size(x.shape[k], kernels.shape[k - 1], stride, edge) for k in (1, 2)]
    return np.pad(x, ((0, 0), (edge, edge), (edge, edge), (0, 0))), *sizes
