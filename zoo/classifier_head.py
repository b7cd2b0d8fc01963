"""Both ends of networks: the images; logits, then float32 probabilities (or other answers)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import keras
from keras import layers

from sightkit.zoo.arguments import class_count, image_shape
from sightkit.zoo.registry import has_origin, origin
from sightkit.zoo.unit import Initializer, Regularization, Unit

End = Literal["softmax", "sigmoid", "sigmoids", "linear"]
"""What a network ends in, and the loss that goes with it.

``"softmax"``: probabilities of exclusive classes, (N, classes), for a categorical cross-entropy.
``"sigmoid"``: of two classes the second's probability, (N, 1), for binary cross-entropy.
``"sigmoids"``: a probability a class, each for itself, (N, classes), for binary cross-entropy.
``"linear"``: regression of ``classes`` numbers, at least 1, for a mean squared error.
"""


def image_input(
    input_shape: Sequence[int],
    classes: int,
    *,
    minimum: int = 1,
    multiple: int = 1,
    end: End = "softmax",
) -> keras.KerasTensor:
    """The input ``images``, once the shape (see ``image_shape``) and the classes are checked."""
    shape = image_shape(input_shape, minimum, multiple)
    class_count(classes, end)
    return keras.Input(shape, name="images")


def classify(
    x: Any,
    classes: int,
    *,
    initializer: Initializer = "glorot_uniform",
    reg: Regularization = 0.0,
    end: End = "softmax",
    prefix: str = "",
) -> Any:
    """Dense ``logits`` and float32 ``predictions``, whatever the precision before."""
    bare = Unit(activation=None, initializer=initializer, reg=reg)
    x = bare.dense(x, outputs_of(classes, end), name=f"{prefix}logits")
    return probabilities(x, end=end, prefix=prefix)


def outputs_of(classes: int, end: End) -> int:
    """Return how many numbers a network gives for an image."""
    return 1 if end == "sigmoid" else classes


def probabilities(logits: Any, *, end: End = "softmax", prefix: str = "") -> Any:
    """A float32 softmax, sigmoid, or nothing, named ``predictions``."""
    function = "sigmoid" if end == "sigmoids" else end
    return layers.Activation(function, dtype="float32", name=f"{prefix}predictions")(logits)


def with_normalized_sigmoids(network: keras.Model) -> keras.Model:
    """Return a network whose answers have the sum 1, where one of the zoo ends in ``"sigmoids"``.

    Each sigmoid is divided by the sum of all: what a report and a bundle take of classes of which
    an image has exactly one. It is computed as softmax(log sigmoid(logits)), which is the same and
    never divides by 0.

    Args:
        network: of any end; its layers and weights are shared.

    Returns:
        float32 (N, H, W, C) to float32 (N, classes); ``network`` itself where it ends otherwise.
    """
    if not has_origin(network) or origin(network).get("arguments", {}).get("end") != "sigmoids":
        return network
    logits = network.get_layer("predictions").input
    x = layers.Activation("log_sigmoid", dtype="float32", name="log_sigmoids")(logits)
    x = layers.Softmax(dtype="float32", name="normalized")(x)
    return keras.Model(network.inputs[0], x, name=network.name)


def drop(x: Any, rate: float, name: str) -> Any:
    """Dropout, or nothing at rate 0: a switched-off layer would still draw random numbers."""
    return layers.Dropout(rate, name=name)(x) if rate else x
