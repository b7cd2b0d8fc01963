"""Layers: a forward and a backward function with the weights and what the way back needs.

``forward(x, training)`` returns the output, ``backward(upstream)`` the gradient by the last ``x``;
``gradients`` are then those by ``parameters``, in the same order.

Formula: docs/foundations.md#back-propagation. Test: tests/apps/foundations/test_layers.py.
Picture: docs/foundations/backpropagation.png, drawn by scripts/foundations/backpropagation.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sightkit._errors import SightkitError
from sightkit.apps.foundations import activations, arguments, shapes
from sightkit.apps.foundations.initializers import initialize
from sightkit.apps.foundations.learner import Learner

Array = np.ndarray


class Layer(Learner):
    """A layer without parameters, which remembers what it was given."""

    first = "forward(x, training=True)"
    seen: Any

    def __init__(self, *parameters: Array) -> None:
        self.parameters, self.gradients = list(parameters), [*map(np.zeros_like, parameters)]

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return the output for a batch."""
        raise NotImplementedError

    def backward(self, upstream: Array) -> Array:
        """Return the gradient by the last batch; set those by the parameters."""
        raise NotImplementedError


class Dense(Layer):
    """x W + b: every output sees every input; (n + 1)·m parameters."""

    def __init__(
        self, inputs: int, outputs: int, rng: np.random.Generator, initializer: str = "he"
    ) -> None:
        arguments.counts(inputs=inputs, outputs=outputs)
        super().__init__(initialize(initializer, (inputs, outputs), rng), np.zeros(outputs))

    def forward(self, x: Array, training: bool = False) -> Array:
        """(N, inputs) to (N, outputs)."""
        advice = "Let each layer take what the one before gives; flatten pictures."
        shapes.check(advice, x=(x, "N inputs"), weights=(self.parameters[0], "inputs outputs"))
        self.seen = x
        return x @ self.parameters[0] + self.parameters[1]

    def backward(self, upstream: Array) -> Array:
        """By W: what came in, times what comes back; by x: what comes back, through W."""
        self.gradients = [self.seen.T @ upstream, upstream.sum(axis=0)]
        return upstream @ self.parameters[0].T


class Activation(Layer):
    """An activation by its name in ``ACTIVATIONS``."""

    def __init__(self, name: str) -> None:
        super().__init__()
        name = arguments.choice("activation", name, activations.ACTIVATIONS)
        self.function, self.function_backward = activations.ACTIVATIONS[name]

    def forward(self, x: Array, training: bool = False) -> Array:
        """Of any shape, to the same."""
        self.seen = x
        return self.function(x)

    def backward(self, upstream: Array) -> Array:
        """By the slope at what came in."""
        return self.function_backward(upstream, self.seen)


def dense_layers(
    sizes: Sequence[int],
    activation: str = "relu",
    output: str = "linear",
    initializer: str = "he",
    seed: int = 0,
) -> list[Layer]:
    """Return dense layers, each with its activation: (64, 32, 10) has 64 inputs and 10 outputs."""
    if len(sizes) < 2 or min(sizes) < 1:
        raise SightkitError(
            "A network has at least an input and an output, none below 1.",
            "Give (2, 2, 1), for example.",
            sizes=sizes,
        )
    rng = np.random.default_rng(seed)
    bends = [activation] * (len(sizes) - 2) + [output]
    pairs = zip(sizes, sizes[1:], bends, strict=False)
    layers = [(Dense(n, m, rng, initializer), Activation(bend)) for n, m, bend in pairs]
    return [each for pair in layers for each in pair]
