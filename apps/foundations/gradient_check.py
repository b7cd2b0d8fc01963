"""The slope of any function by two evaluations: what every backward function is held against.

Formula: docs/foundations.md#gradient-check.
Test: tests/apps/foundations/test_gradient_check.py. Picture: none.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sightkit.apps.foundations import shapes

Array = np.ndarray


def uneven(shape: tuple[int, ...], seed: int = 0) -> Array:
    """Return upstream gradients of which no two are alike, float64, between 0.5 and 1.5 or −.

    With ones everywhere the check is blind: the outputs of batch normalization have the sum 0, and
    those of softmax the sum 1, whatever goes in, so that a gradient of zeros would pass.
    """
    rng = np.random.default_rng(seed)
    return rng.uniform(0.5, 1.5, shape) * rng.choice((-1, 1), shape)


def numerical_gradient(
    function: Callable[[Array], Array], x: Array, upstream: Array, step: float = 1e-5
) -> Array:
    """Return d Σ(upstream · function(x)) / dx by central differences, an element at a time.

    Args:
        function: of an array like ``x``, without chance: a dropout has a fixed seed here.
        x: where the slope is wanted, float64: float32 has too few digits for differences.
        upstream: weights of the outputs, see ``uneven``.
        step: half the distance of the two evaluations. The error is of the order of step², and
            that of rounding of 1e-16/step: in between lies the best step, about 1e-5.
    """
    x = np.array(x, np.float64)
    shapes.check(upstream=(upstream, "..."), output=(function(x), "..."))
    gradient = np.empty_like(x)
    for index in np.ndindex(x.shape):
        value = x[index]
        sums = []
        for moved in (value + step, value - step):
            x[index] = moved
            sums.append(float((upstream * function(x)).sum()))
        x[index] = value
        gradient[index] = (sums[0] - sums[1]) / (2 * step)
    return gradient


def relative_error(a: Array, b: Array) -> float:
    """Return the largest |a − b| as a share of the largest number: 1e-7 is equal, 1e-2 not."""
    shapes.check(a=(a, "..."), b=(b, "..."))
    largest = max(np.abs(a).max(initial=0), np.abs(b).max(initial=0), 1e-8)
    return float(np.abs(a - b).max(initial=0) / largest)
