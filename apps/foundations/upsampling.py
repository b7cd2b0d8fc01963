"""Upsampling: four ways to a larger picture, each with its backward function.

Formula: docs/foundations.md#upsampling. Test: tests/apps/foundations/test_upsampling.py.
Picture: docs/foundations/convolutions.png, drawn by scripts/foundations/convolutions.py.
"""

from __future__ import annotations

import numpy as np

from sightkit.apps.foundations import arguments, shapes
from sightkit.apps.foundations.convolution import convolution, convolution_backward, output_size
from sightkit.apps.foundations.pooling import max_pooling_backward

Array = np.ndarray


def nearest(x: Array, factor: int = 2) -> Array:
    """Repeat each number in a block: (N, H, W, D) to (N, factor·H, factor·W, D)."""
    _require(x, factor)
    return x.repeat(factor, axis=1).repeat(factor, axis=2)


def nearest_backward(upstream: Array, factor: int = 2) -> Array:
    """Return the gradient by ``x``: the sum of each block."""
    _require(upstream, factor, smaller=True)
    count, height, width, depth = upstream.shape
    blocks = (count, height // factor, factor, width // factor, factor, depth)
    return upstream.reshape(blocks).sum(axis=(2, 4))


def bed_of_nails(x: Array, factor: int = 2) -> Array:
    """Put each number into the upper left corner of its block, zeros elsewhere."""
    _require(x, factor)
    count, height, width, depth = x.shape
    out = np.zeros((count, factor * height, factor * width, depth), x.dtype)
    out[:, ::factor, ::factor] = x
    return out


def bed_of_nails_backward(upstream: Array, factor: int = 2) -> Array:
    """Return the gradient by ``x``: what is at the nails."""
    _require(upstream, factor, smaller=True)
    return upstream[:, ::factor, ::factor]


def max_unpooling(x: Array, places: Array, shape: tuple[int, ...]) -> Array:
    """Put each number where the largest one was when it was pooled, zeros elsewhere.

    It is what max pooling does on its way back.

    Args:
        x: (N, H, W, D).
        places: of ``max_pooling``, of the same shape.
        shape: of the picture that was pooled.
    """
    return max_pooling_backward(x, places, shape)


def max_unpooling_backward(upstream: Array, places: Array) -> Array:
    """Return the gradient by ``x``: what is at the places."""
    shapes.check(upstream=(upstream, "N H W D"), places=(places, "N R C D"))
    flat = upstream.reshape(len(upstream), -1, upstream.shape[3])
    rows = places.reshape(len(places), -1, places.shape[3])
    return np.take_along_axis(flat, rows, axis=1).reshape(places.shape)


def transposed_convolution(x: Array, kernels: Array, stride: int = 2) -> Array:
    """Lay a kernel down at every place, as strong as the number there; where they overlap they add.

    It is what a convolution does on its way back, which is why it has that name.

    Args:
        x: (N, H, W, K).
        kernels: (F, F, D, K), those of the convolution from depth D to depth K.
        stride: by how much the picture grows. A size F that it does not divide overlaps unevenly:
            the checkerboard of early generators.

    Returns:
        (N, stride·(H − 1) + F, stride·(W − 1) + F, D).
    """
    shapes.check(x=(x, "N H W K"), kernels=(kernels, "F G D K"))
    sides = [stride * (x.shape[k] - 1) + kernels.shape[k - 1] for k in (1, 2)]
    shape = (len(x), *sides, kernels.shape[2])
    return convolution_backward(x, np.zeros(shape, x.dtype), kernels, stride)[0]


def transposed_convolution_backward(
    upstream: Array, x: Array, kernels: Array, stride: int = 2
) -> tuple[Array, Array]:
    """Return the gradients by ``x``, which is the convolution again, and by ``kernels``."""
    shapes.check(upstream=(upstream, "N R C D"), x=(x, "N H W K"), kernels=(kernels, "F G D K"))
    by_x = convolution(upstream, kernels, np.zeros(kernels.shape[3], x.dtype), stride)
    return by_x, convolution_backward(x, upstream, kernels, stride)[1]


def _require(x: Array, factor: int, *, smaller: bool = False) -> None:
    """Raise unless x are pictures, and become larger, or smaller, by a whole factor."""
    arguments.counts(factor=factor)
    shapes.check(x=(x, "N H W D"))
    for side in x.shape[1:3] if smaller else ():
        output_size(side, factor, factor)
