"""Layers for pictures: convolution, max pooling, and flattening before a dense layer.

Formula: docs/foundations.md#convolution. Test: tests/apps/foundations/test_layers.py.
Picture: docs/foundations/moved_square.png, drawn by scripts/foundations/moved_square.py.
"""

from __future__ import annotations

import numpy as np

from sightkit.apps.foundations import arguments
from sightkit.apps.foundations.convolution import convolution, convolution_backward
from sightkit.apps.foundations.initializers import initialize
from sightkit.apps.foundations.layers import Layer
from sightkit.apps.foundations.pooling import max_pooling, max_pooling_backward

Array = np.ndarray


class Convolution(Layer):
    """K kernels of side F at stride 1: (F·F·D + 1)·K parameters."""

    def __init__(
        self,
        window: int,
        depth: int,
        kernels: int,
        rng: np.random.Generator,
        initializer: str = "he",
        padding: int | str = 0,
    ) -> None:
        arguments.counts(window=window, depth=depth, kernels=kernels)
        weights = initialize(initializer, (window, window, depth, kernels), rng)
        super().__init__(weights, np.zeros(kernels))
        self.padding = padding

    def forward(self, x: Array, training: bool = False) -> Array:
        """(N, H, W, D) to (N, H', W', K)."""
        self.seen = x
        kernels, bias = self.parameters
        return convolution(x, kernels, bias, padding=self.padding)

    def backward(self, upstream: Array) -> Array:
        """By what every window saw."""
        by_x, *self.gradients = convolution_backward(
            upstream, self.seen, self.parameters[0], padding=self.padding
        )
        return by_x


class MaxPooling(Layer):
    """The largest number of each window; of the whole picture without a size."""

    def __init__(self, size: int | None = None) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Array, training: bool = False) -> Array:
        """(N, H, W, D) to (N, H', W', D)."""
        out, places = max_pooling(x, self.size or x.shape[1])
        self.seen = places, x.shape
        return out

    def backward(self, upstream: Array) -> Array:
        """To the winners."""
        return max_pooling_backward(upstream, *self.seen)


class Flatten(Layer):
    """(N, H, W, D) to (N, H·W·D): the places become features, and their neighbourhood is lost."""

    def forward(self, x: Array, training: bool = False) -> Array:
        """All numbers of a sample in a row."""
        self.seen = x.shape
        return x.reshape(len(x), -1)

    def backward(self, upstream: Array) -> Array:
        """The same numbers as a picture."""
        return upstream.reshape(self.seen)
