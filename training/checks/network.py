"""A network on trial: losses, gradients and steps on copies of its variables.

Nothing here assigns to a variable or builds the optimizer, so that there is nothing to restore.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from sightkit._network import flat_layers
from sightkit.training.checks.loss import LossInfo
from sightkit.training.gradients import compile_briefly, differentiate, values_of

Tensors = list[Any]
DROPPING = (keras.layers.Dropout, keras.layers.GaussianDropout, keras.layers.AlphaDropout)
"""SpatialDropout1D to 3D are kinds of Dropout."""


@dataclass(frozen=True)
class Measured:
    """Loss, outputs and gradients of a network.

    Attributes:
        loss: mean over the samples, without penalties.
        outputs: (n, …).
        gradients: one for each trainable variable, tensors of the backend.
    """

    loss: float
    outputs: np.ndarray
    gradients: Tensors


class Trial:
    """A compiled network, its loss, some samples, and functions of copies of its weights.

    Batch statistics are used, as in training; dropout is switched off while functions are traced
    (``without_dropout``), because its noise is no fault.

    Args:
        model: compiled, of one input and one output.
        loss: its loss.
        images: (n, …).
        labels: (n, …).

    Attributes:
        first: what was measured with the weights as they are.
    """

    def __init__(
        self, model: keras.Model, loss: LossInfo, images: np.ndarray, labels: np.ndarray
    ) -> None:
        self.model, self.loss, self.images, self.labels = model, loss, images, labels
        self.trainable = list(model.trainable_variables)
        self._others = list(model.non_trainable_variables)
        self._differentiated = differentiate(self._mean_loss, compiled=True)
        self._adam = compile_briefly(_adam)
        self.first = self.measure(self.values())

    def values(self) -> Tensors:
        """Return the trainable weights as they are."""
        return values_of(self.trainable)

    def measure(self, values: Tensors) -> Measured:
        """Return loss, outputs and gradients for given weights; the network's own stay."""
        others = values_of(self._others)
        loss, outputs, gradients = self._differentiated(values, others, self.images, self.labels)
        return Measured(float(loss), keras.ops.convert_to_numpy(outputs), list(gradients))

    def _mean_loss(self, values: Tensors, others: Tensors, images: Any, labels: Any) -> Any:
        mapping = [
            *zip(self.trainable, values, strict=True),
            *zip(self._others, others, strict=True),
        ]
        with keras.StatelessScope(state_mapping=mapping):
            outputs = self.model(images, training=True)
            return self.loss.mean(labels, outputs), outputs

    def steps(self, rate: float) -> Iterator[Measured]:
        """Yield what is measured before each step of Adam on all samples at once, endlessly."""
        values = self.values()
        first = [keras.ops.zeros_like(value) for value in values]
        second = list(first)
        for step in itertools.count(1):
            measured = self.measure(values)
            yield measured
            corrected = rate * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
            factor = np.array(corrected, "float32")  # an array: numbers would be traced anew
            values, first, second = self._adam(values, measured.gradients, first, second, factor)

    def with_last_kernel_zeroed(self) -> Tensors:
        """Return the weights, with zeros in the last layer's kernel and bias."""
        layer = last_with_kernel(self.model)
        zeroed = {id(variable) for variable in (layer.weights if layer else ())}
        return [
            keras.ops.zeros_like(value) if id(variable) in zeroed else value
            for variable, value in zip(self.trainable, self.values(), strict=True)
        ]


@contextlib.contextmanager
def without_dropout(model: keras.Model) -> Iterator[None]:
    """Set the rates of all dropout layers to zero for a while; they come back as they were."""
    layers = [layer for layer in flat_layers(model) if isinstance(layer, DROPPING)]
    rates = [layer.rate for layer in layers]
    try:
        for layer in layers:
            layer.rate = 0.0
        yield
    finally:
        for layer, rate in zip(layers, rates, strict=True):
            layer.rate = rate


def last_with_kernel(model: keras.Model) -> keras.layers.Layer | None:
    """Return the last layer that has a kernel."""
    kernels = [each for each in flat_layers(model) if getattr(each, "kernel", None) is not None]
    return kernels[-1] if kernels else None


def _adam(
    values: Tensors, gradients: Tensors, first: Tensors, second: Tensors, factor: Any
) -> tuple[Tensors, Tensors, Tensors]:
    """Make one step; ``factor`` is the rate with the correction of the step."""
    first = [0.9 * m + 0.1 * g for m, g in zip(first, gradients, strict=True)]
    second = [0.999 * v + 0.001 * g * g for v, g in zip(second, gradients, strict=True)]
    moved = [
        value - factor * m / (keras.ops.sqrt(v) + 1e-7)
        for value, m, v in zip(values, first, second, strict=True)
    ]
    return moved, first, second
