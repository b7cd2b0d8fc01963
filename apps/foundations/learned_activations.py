"""Activations with parameters of their own: parametric ReLU learns its slope, maxout its shape.

Formula: docs/foundations.md#activations.
Test: tests/apps/foundations/test_activations.py.
Picture: docs/foundations/activations.png, drawn by scripts/foundations/activations.py.
"""

from __future__ import annotations

import numpy as np

from sightkit.apps.foundations import shapes

Array = np.ndarray


def parametric_relu(x: Array, slope: Array) -> Array:
    """A leaky ReLU of which each column has a slope of its own (K,), which is learned."""
    shapes.check(x=(x, "... K"), slope=(slope, "K"))
    return np.where(x > 0, x, slope * x)


def parametric_relu_backward(upstream: Array, x: Array, slope: Array) -> tuple[Array, Array]:
    """Return the gradients by ``x`` (N, K) and by ``slope`` (K,): every sample pulls at a slope."""
    shapes.check(upstream=(upstream, "... K"), x=(x, "... K"), slope=(slope, "K"))
    by_slope = np.where(x > 0, 0, upstream * x).reshape(-1, x.shape[-1])
    return np.where(x > 0, upstream, slope * upstream), by_slope.sum(axis=0)


def maxout(x: Array, weights: Array, biases: Array) -> Array:
    """The largest of P linear pieces: x (N, n), weights (P, n, m), biases (P, m) to (N, m)."""
    return _pieces(x, weights, biases).max(axis=0)


def maxout_backward(
    upstream: Array, x: Array, weights: Array, biases: Array
) -> tuple[Array, Array, Array]:
    """Return the gradients by all three: at each place only the largest piece gets any."""
    pieces = _pieces(x, weights, biases)
    shapes.check(upstream=(upstream, "N m"), pieces=(pieces, "P N m"))
    won = np.arange(len(weights))[:, None, None] == pieces.argmax(axis=0)
    routed = upstream * won
    return (routed @ weights.transpose(0, 2, 1)).sum(axis=0), x.T @ routed, routed.sum(axis=1)


def _pieces(x: Array, weights: Array, biases: Array) -> Array:
    """All linear pieces, (P, N, m)."""
    shapes.check(x=(x, "N n"), weights=(weights, "P n m"), biases=(biases, "P m"))
    return x @ weights + biases[:, None]
