"""Batch normalization: each feature of a batch gets mean 0 and variance 1, then a scale of its own.

Formula: docs/foundations.md#batch-normalization.
Test: tests/apps/foundations/test_batch_normalization.py.
Picture: docs/foundations/digits.png, drawn by scripts/foundations/digits.py.
"""

from __future__ import annotations

import numpy as np

from sightkit.apps.foundations import shapes

Array = np.ndarray


def batch_normalization(x: Array, gamma: Array, beta: Array, epsilon: float = 1e-3) -> Array:
    """Return γx̂ + β with x̂ = (x − μ)/√(σ² + ε), μ and σ² those of this batch.

    Args:
        x: (N, K); or (N, H, W, K), where every place of a picture counts as a sample.
        gamma: scale of each feature, (K,).
        beta: shift of each feature, (K,).
        epsilon: keeps a feature that never changes from being divided by 0; Keras' is 1e-3.
    """
    shapes.check(x=(x, "... K"), gamma=(gamma, "K"), beta=(beta, "K"))
    return gamma * _normalized(x, epsilon)[0] + beta


def batch_normalization_backward(
    upstream: Array, x: Array, gamma: Array, epsilon: float = 1e-3
) -> tuple[Array, Array, Array]:
    """Return the gradients by ``x``, ``gamma`` and ``beta``.

    A sample moves the mean and the variance of all: hence the two means that are taken off. What
    pushes all samples alike (the first) or stretches them (the second) changes no output.
    """
    shapes.check(upstream=(upstream, "... K"), x=(x, "... K"), gamma=(gamma, "K"))
    normalized, deviation = _normalized(x, epsilon)
    axes = tuple(range(x.ndim - 1))
    by_beta = upstream.sum(axis=axes)
    by_gamma = (upstream * normalized).sum(axis=axes)
    count = x.size // x.shape[-1]
    by_x = gamma / deviation * (upstream - by_beta / count - normalized * by_gamma / count)
    return by_x, by_gamma, by_beta


def _normalized(x: Array, epsilon: float) -> tuple[Array, Array]:
    """x̂, and √(σ² + ε) of each feature."""
    axes = tuple(range(x.ndim - 1))
    deviation = np.sqrt(x.var(axis=axes) + epsilon)
    return (x - x.mean(axis=axes)) / deviation, deviation


class MovingMoments:
    """Mean and variance of a long time, for prediction: an answer must not depend on its batch.

    Args:
        features: K.
        momentum: share of the old values that stays at each batch.
    """

    def __init__(self, features: int, momentum: float = 0.9) -> None:
        self.mean, self.variance = np.zeros(features), np.ones(features)
        self.momentum = momentum

    def update(self, x: Array) -> None:
        """Take in the mean and variance of a batch."""
        shapes.check(x=(x, "... K"), mean=(self.mean, "K"))
        axes = tuple(range(x.ndim - 1))
        new = 1 - self.momentum
        self.mean = self.momentum * self.mean + new * x.mean(axis=axes)
        self.variance = self.momentum * self.variance + new * x.var(axis=axes)

    def normalize(self, x: Array, gamma: Array, beta: Array, epsilon: float = 1e-3) -> Array:
        """Return γx̂ + β with the stored moments."""
        shapes.check(x=(x, "... K"), gamma=(gamma, "K"), beta=(beta, "K"), mean=(self.mean, "K"))
        scale = gamma / np.sqrt(self.variance + epsilon)
        return (x * scale + (beta - self.mean * scale)).astype(x.dtype)
