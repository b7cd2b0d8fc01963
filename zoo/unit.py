"""The unit that all networks are made of: a layer with weights, its activation, a normalization.

Sources disagree on each of these and on their order, so they are arguments here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from keras import layers

from sightkit._errors import SightkitError
from sightkit.zoo.activations import Activation, activate, pieces
from sightkit.zoo.batch_normalization import BatchNormalization
from sightkit.zoo.initializers import (
    Initializer,
    Regularization,
    kernel_initializer,
    kernel_regularizer,
)
from sightkit.zoo.local_response_normalization import LocalResponseNormalization


@dataclass(frozen=True)
class Unit:
    """The form of convolutions and dense layers of one network.

    Attributes:
        activation: name, (name, parameter) or None, see ``activations.activate``.
        normalization: ``"batch"``, ``"local_response"`` or None.
        norm_before_activation: True is convolution, normalization, activation (GoogLeNet,
            ResNet); False is convolution, activation, normalization (the books' MiniVGGNet).
        initializer: of kernels, see ``initializers.kernel_initializer``.
        reg: of kernels, see ``initializers.kernel_regularizer``.
        use_bias: whether convolutions and dense layers have a bias.
        epsilon: of batch normalization.
        momentum: of batch normalization.
        scale: whether batch normalization learns one.
    """

    activation: Activation = "relu"
    normalization: str | None = None
    norm_before_activation: bool = False
    initializer: Initializer = "glorot_uniform"
    reg: Regularization = 0.0
    use_bias: bool = True
    epsilon: float = 1e-3
    momentum: float = 0.99
    scale: bool = True

    def convolution(
        self,
        x: Any,
        filters: int,
        kernel: int | Sequence[int],
        *,
        name: str,
        strides: int = 1,
        padding: str | int = "same",
        groups: int = 1,
    ) -> Any:
        """Convolution, activation and normalization; padding in pixels becomes a layer."""
        if isinstance(padding, int):
            x = layers.ZeroPadding2D(padding, name=f"{name}_pad")(x)
            padding = "valid"
        x = layers.Conv2D(
            filters * pieces(self.activation),
            kernel,
            strides=strides,
            padding=padding,
            groups=groups,
            name=name,
            **self._kernel(),
        )(x)
        return self.finish(x, name)

    def dense(self, x: Any, units: int, *, name: str) -> Any:
        """Dense layer, activation and normalization."""
        x = layers.Dense(units * pieces(self.activation), name=name, **self._kernel())(x)
        return self.finish(x, name)

    def transposed(
        self,
        x: Any,
        filters: int,
        kernel: int | tuple[int, int],
        strides: int,
        *,
        name: str,
        padding: str = "same",
    ) -> Any:
        """Transposed convolution, activation and normalization."""
        x = layers.Conv2DTranspose(
            filters * pieces(self.activation),
            kernel,
            strides=strides,
            padding=padding,
            name=name,
            **self._kernel(),
        )(x)
        return self.finish(x, name)

    def finish(self, x: Any, name: str) -> Any:
        """Activation and normalization, in this network's order."""
        if self.norm_before_activation:
            return self._activate(self.normalize(x, f"{name}_norm"), name)
        return self.normalize(self._activate(x, name), f"{name}_norm")

    def normalize(self, x: Any, name: str) -> Any:
        """The normalization alone."""
        if self.normalization is None:
            return x
        if self.normalization == "batch":
            return BatchNormalization(
                epsilon=self.epsilon, momentum=self.momentum, scale=self.scale, name=name
            )(x)
        if self.normalization == "local_response":
            return LocalResponseNormalization(name=name)(x)
        raise SightkitError(
            'normalization must be "batch", "local_response" or None.',
            normalization=self.normalization,
        )

    def _activate(self, x: Any, name: str) -> Any:
        return activate(x, self.activation, f"{name}_activation")

    def _kernel(self) -> dict[str, Any]:
        return {
            "use_bias": self.use_bias,
            "kernel_initializer": kernel_initializer(self.initializer),
            "kernel_regularizer": kernel_regularizer(self.reg),
        }
