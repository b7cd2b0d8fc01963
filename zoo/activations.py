"""Activations by name, so that the choice is an argument of a builder and survives JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import layers, ops

from sightkit._errors import SightkitError
from sightkit.zoo.arguments import at_least, number

Activation = str | Sequence[Any] | None


@keras.saving.register_keras_serializable(package="sightkit")
class Maxout(layers.Layer):
    """Maximum over groups of neighbouring channels: max(w1 x + b1, w2 x + b2, …).

    The layer before it computes ``pieces`` times as many channels, so its parameters multiply.

    Args:
        pieces: channels that share one output.

    Example:
        >>> Maxout(2)(keras.ops.array([[1.0, 3.0, -2.0, -5.0]])).shape
        (1, 2)

    Reference:
        Goodfellow et al., "Maxout networks", 2013.
    """

    def __init__(self, pieces: int = 2, **options: Any) -> None:
        """See the class."""
        super().__init__(**options)
        self.pieces = pieces

    def call(self, inputs: Any) -> Any:
        """(…, channels) to (…, channels / pieces)."""
        shape: Any = ops.shape(inputs)
        groups = inputs.shape[-1] // self.pieces
        return ops.max(ops.reshape(inputs, (*shape[:-1], groups, self.pieces)), axis=-1)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """(…, channels) to (…, channels / pieces)."""
        return (*input_shape[:-1], input_shape[-1] // self.pieces)  # type: ignore[operator]

    def get_config(self) -> dict[str, Any]:
        """Arguments, for saving."""
        return {**super().get_config(), "pieces": self.pieces}


def _prelu(rank: int, name: str, slope: float = 0.25) -> layers.Layer:
    # One learned slope a channel, as He et al. do: the map's size stays free.
    start: Any = keras.initializers.Constant(slope)
    return layers.PReLU(
        alpha_initializer=start, shared_axes=list(range(1, rank - 1)) or None, name=name
    )


_ACTIVATIONS: dict[str, Callable[..., layers.Layer]] = {
    "relu": lambda _, name: layers.Activation("relu", name=name),
    "leaky_relu": lambda _, name, slope=0.01: layers.LeakyReLU(slope, name=name),
    "prelu": _prelu,
    "elu": lambda _, name, alpha=1.0: layers.ELU(alpha, name=name),
    "gelu": lambda _, name: layers.Activation("gelu", name=name),
    "tanh": lambda _, name: layers.Activation("tanh", name=name),
    "sigmoid": lambda _, name: layers.Activation("sigmoid", name=name),
    "maxout": lambda _, name, pieces=2: Maxout(pieces, name=name),
}
PARAMETRIC = ("leaky_relu", "prelu", "elu", "maxout")


def activate(x: Any, activation: Activation, name: str) -> Any:
    """Apply an activation given by name, or by (name, parameter).

    Args:
        x: tensor.
        activation: ``"relu"``, ``"leaky_relu"`` (slope 0.01; ``("leaky_relu", 0.1)`` for another),
            ``"prelu"``, ``"elu"``, ``"gelu"``, ``"tanh"``, ``"sigmoid"``, ``"maxout"`` (2 pieces),
            or None for none.
        name: name of the layer.

    Raises:
        SightkitError: no such activation, or a parameter that it does not take.
    """
    if activation is None:
        return x
    kind, parameter = _parsed(activation)
    return _ACTIVATIONS[kind](len(x.shape), name, *parameter)(x)


def pieces(activation: Activation) -> int:
    """Return how many channels the layer before this activation computes for each of its outputs.

    Raises:
        SightkitError: see ``activate``.
    """
    if activation is None:
        return 1
    kind, parameter = _parsed(activation)
    return (int(parameter[0]) if parameter else 2) if kind == "maxout" else 1


def _parsed(activation: str | Sequence[Any]) -> tuple[str, tuple[Any, ...]]:
    """Name and parameter, if there is one."""
    listed = isinstance(activation, (list, tuple))
    parts: tuple[Any, ...] = tuple(activation) if listed else (activation,)
    kind, parameter = parts[:1], parts[1:]
    if not kind or kind[0] not in list(_ACTIVATIONS) or len(parameter) > 1:
        raise SightkitError(
            f"activation must be one of {', '.join(_ACTIVATIONS)}, or (name, parameter).",
            activation=activation,
        )
    if parameter:
        _check_parameter(kind[0], parameter[0])
    return kind[0], parameter


def _check_parameter(kind: str, parameter: Any) -> None:
    if kind not in PARAMETRIC:
        raise SightkitError(f"{kind} takes no parameter.", activation=(kind, parameter))
    if kind == "maxout" and not at_least(2, parameter):
        raise SightkitError(
            "The pieces of maxout must be an integer of at least 2.", activation=(kind, parameter)
        )
    value = number(parameter)
    if value is None or value < 0:
        raise SightkitError(
            f"The parameter of {kind} must be a number, at least 0.", activation=(kind, parameter)
        )
