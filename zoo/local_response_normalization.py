"""AlexNet's normalization across neighbouring channels."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable(package="sightkit")
class LocalResponseNormalization(layers.Layer):
    """b = a / (k + alpha · Σ a²)^beta, summed over ``size`` neighbouring channels; no parameters.

    Args:
        size: channels in the sum, centred on the one that is normalized.
        k: bias.
        alpha: factor of the sum (of the sum itself, as in the paper; Caffe divides it by size).
        beta: exponent.

    Reference:
        Krizhevsky, Sutskever, Hinton, "ImageNet classification with deep convolutional neural
        networks", 2012, section 3.3, whose constants are the defaults.
    """

    def __init__(
        self, size: int = 5, k: float = 2.0, alpha: float = 1e-4, beta: float = 0.75, **options: Any
    ) -> None:
        """See the class."""
        super().__init__(**options)
        self.size, self.k, self.alpha, self.beta = size, k, alpha, beta

    def call(self, inputs: Any) -> Any:
        """float (N, H, W, C) to the same shape."""
        channels = inputs.shape[-1]
        before = (self.size - 1) // 2
        padded: Any = ops.pad(ops.square(inputs), [(0, 0)] * 3 + [(before, self.size - 1 - before)])
        total = sum(padded[..., shift : shift + channels] for shift in range(self.size))
        return inputs * ops.power(self.k + self.alpha * total, -self.beta)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Shapes stay as they are."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Arguments, for saving."""
        mine = {"size": self.size, "k": self.k, "alpha": self.alpha, "beta": self.beta}
        return {**super().get_config(), **mine}
