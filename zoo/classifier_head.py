"""Both ends of classifiers: the images; logits, then float32 probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from sightkit.zoo.arguments import class_count, image_shape
from sightkit.zoo.unit import Initializer, Regularization, Unit


def image_input(
    input_shape: Sequence[int], classes: int, *, minimum: int = 1, multiple: int = 1
) -> keras.KerasTensor:
    """The input ``images``, once the shape (see ``image_shape``) and the classes are checked."""
    shape = image_shape(input_shape, minimum, multiple)
    class_count(classes)
    return keras.Input(shape, name="images")


def classify(
    x: Any,
    classes: int,
    *,
    initializer: Initializer = "glorot_uniform",
    reg: Regularization = 0.0,
    prefix: str = "",
) -> Any:
    """Dense ``logits`` and a float32 softmax ``predictions``, whatever the precision before."""
    bare = Unit(activation=None, initializer=initializer, reg=reg)
    return probabilities(bare.dense(x, classes, name=f"{prefix}logits"), prefix=prefix)


def probabilities(logits: Any, *, function: str = "softmax", prefix: str = "") -> Any:
    """A float32 softmax (or sigmoid) named ``predictions``."""
    return layers.Activation(function, dtype="float32", name=f"{prefix}predictions")(logits)


def drop(x: Any, rate: float, name: str) -> Any:
    """Dropout, or nothing at rate 0: a switched-off layer would still draw random numbers."""
    return layers.Dropout(rate, name=name)(x) if rate else x
