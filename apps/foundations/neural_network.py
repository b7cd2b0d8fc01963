"""A neural network: layers one after the other, and back-propagation through all of them.

Formula: docs/foundations.md#back-propagation. Test: tests/apps/foundations/test_neural_network.py.
Picture: docs/foundations/xor.png, drawn by scripts/foundations/xor.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sightkit._errors import SightkitError
from sightkit._suggestions import with_suggestions
from sightkit.apps.foundations import arguments, descent, losses, shapes
from sightkit.apps.foundations.activations import softmax
from sightkit.apps.foundations.layers import Layer, dense_layers
from sightkit.apps.foundations.optimizers import Momentum, Optimizer

Array = np.ndarray
LOSSES = {"cross_entropy": losses.cross_entropy, "squared_error": losses.squared_error}


class NeuralNetwork:
    """Layers and a loss; see ``dense`` for the classic one.

    Args:
        layers: from the input to the scores; the softmax is part of ``cross_entropy``.
        loss: ``"cross_entropy"`` of class labels (N,), ``"squared_error"`` of numbers (N, outputs).
        dtype: of all weights: float32 is twice as fast, float64 for checking gradients.
    """

    def __init__(
        self, layers: Sequence[Layer], loss: str = "cross_entropy", dtype: str = "float64"
    ) -> None:
        self.layers = list(layers)
        if not all(isinstance(layer, Layer) for layer in self.layers):
            raise SightkitError("Layers must be given.", "Call NeuralNetwork.dense.", layers=layers)
        self.name, self.dtype = arguments.choice("loss", loss, LOSSES), np.dtype(dtype)
        self.weights = np.concatenate([each.ravel() for each in self.parameters] or [[]])
        self.weights, start = self.weights.astype(self.dtype), 0
        for layer in self.layers:  # what they hold are parts of the one long vector
            for k, each in enumerate(layer.parameters):
                part = self.weights[start : start + each.size]
                layer.parameters[k], start = part.reshape(each.shape), start + each.size

    @classmethod
    def dense(cls, sizes: Sequence[int], *options: Any, **named: Any) -> NeuralNetwork:
        """Return a network of ``dense_layers``; ``loss`` and ``dtype`` are those of the class."""
        own = {name: named.pop(name) for name in ("loss", "dtype") if name in named}
        return cls(with_suggestions(dense_layers, "dense")(sizes, *options, **named), **own)

    @property
    def parameters(self) -> list[Array]:
        """All weights and biases, from the input to the output."""
        return [each for layer in self.layers for each in layer.parameters]

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return the scores of a batch: each layer takes what the one before gives."""
        for layer in self.layers:
            x = layer.forward(x, training)
        return x

    def backward(self, x: Array, y: Array) -> tuple[float, Array]:
        """Return the mean loss and its gradient by ``x``; each layer keeps its own.

        The chain rule, from the last layer to the first: each turns the gradient by its output
        into that by its input.
        """
        scores = self.forward(x, training=True)
        costs, upstream = LOSSES[self.name](scores, y)
        upstream = (upstream / costs.size).astype(self.dtype)
        for layer in reversed(self.layers):
            upstream = layer.backward(upstream)
        return float(costs.mean()), upstream

    def fit(
        self, x: Any, y: Any, epochs: int, batch_size: int = 32, optimizer: Optimizer | None = None,
        *, seed: int = 0,
    ) -> list[float]:  # fmt: skip
        """Train on batches in an order drawn anew each epoch; return the mean loss of each.

        ``optimizer`` is ``Momentum(0.1)`` by default; it sees all parameters as one long vector.
        """
        x, y = np.asarray(x, self.dtype), np.asarray(y)
        shapes.check(x=(x, "N ..."))
        arguments.counts(epochs=epochs, batch_size=batch_size, samples=len(x))
        shapes.check(y=(y, f"{len(x)} ..."))
        scores = self.forward(x[:1])
        LOSSES[self.name](np.broadcast_to(scores, (len(x), *scores.shape[1:])), y)  # all that fit
        optimizer = optimizer or Momentum(0.1)
        rng, history = np.random.default_rng(seed), []
        for _ in range(epochs):
            batches = np.split(rng.permutation(len(x)), range(batch_size, len(x), batch_size))
            total = sum(len(each) * self.step(x[each], y[each], optimizer) for each in batches)
            history.append(descent.finite(total / len(x), optimizer, f"epoch {len(history) + 1}"))
        return history

    def step(self, x: Array, y: Array, optimizer: Optimizer) -> float:
        """Take one step of an optimizer on a batch; return the loss before it."""
        loss = 0.0

        def gradient(weights: Array) -> Array:
            nonlocal loss
            self.weights[...] = weights
            loss, _ = self.backward(x, y)
            return np.concatenate([g.ravel() for layer in self.layers for g in layer.gradients])

        self.weights[...] = optimizer.step(self.weights.copy(), gradient)
        return loss

    def predict(self, x: Any) -> Array:
        """Return probabilities (N, classes), or the numbers of a squared error (N, outputs)."""
        scores = self.forward(np.asarray(x, self.dtype))
        return softmax(scores) if self.name == "cross_entropy" else scores
