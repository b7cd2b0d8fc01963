"""Layers that act otherwise while training than to predict: batch normalization and dropout.

Formula: docs/foundations.md#batch-normalization. Test: tests/apps/foundations/test_layers.py.
Picture: docs/foundations/digits.png, drawn by scripts/foundations/digits.py.
"""

from __future__ import annotations

import numpy as np

from sightkit.apps.foundations.batch_normalization import (
    MovingMoments,
    batch_normalization,
    batch_normalization_backward,
)
from sightkit.apps.foundations.dropout import dropout, dropout_backward
from sightkit.apps.foundations.layers import Layer

Array = np.ndarray


class BatchNormalization(Layer):
    """γx̂ + β: with the moments of the batch while training, with moving ones to predict."""

    def __init__(self, features: int) -> None:
        super().__init__(np.ones(features), np.zeros(features))
        self.moments = MovingMoments(features)

    def forward(self, x: Array, training: bool = False) -> Array:
        """(N, K) or (N, H, W, K), to the same."""
        gamma, beta = self.parameters
        if not training:
            return self.moments.normalize(x, gamma, beta)
        self.seen = x
        self.moments.update(x)
        return batch_normalization(x, gamma, beta)

    def backward(self, upstream: Array) -> Array:
        """Through mean and variance of the batch."""
        found = batch_normalization_backward(upstream, self.seen, self.parameters[0])
        self.gradients = list(found[1:])
        return found[0]


class Dropout(Layer):
    """A share of the units is silent while training."""

    def __init__(self, dropped: float, rng: np.random.Generator) -> None:
        super().__init__()
        self.dropped, self.rng = dropped, rng

    def forward(self, x: Array, training: bool = False) -> Array:
        """Of any shape, to the same."""
        if not training:
            return x
        out, self.seen = dropout(x, self.dropped, self.rng)
        return out

    def backward(self, upstream: Array) -> Array:
        """Through those that spoke."""
        return dropout_backward(upstream, self.seen)
