"""The end of classifiers: logits, then float32 probabilities."""

from __future__ import annotations

from typing import Any

from keras import layers

from sightkit.zoo.initializers import (
    Initializer,
    Regularization,
    kernel_initializer,
    kernel_regularizer,
)


def classify(
    x: Any,
    classes: int,
    *,
    initializer: Initializer = "glorot_uniform",
    reg: Regularization = 0.0,
    prefix: str = "",
) -> Any:
    """Dense ``logits`` and a float32 softmax ``predictions``, whatever the precision before."""
    x = layers.Dense(
        classes,
        kernel_initializer=kernel_initializer(initializer),
        kernel_regularizer=kernel_regularizer(reg),
        name=f"{prefix}logits",
    )(x)
    return probabilities(x, prefix=prefix)


def probabilities(logits: Any, *, function: str = "softmax", prefix: str = "") -> Any:
    """A float32 softmax (or sigmoid) named ``predictions``."""
    return layers.Activation(function, dtype="float32", name=f"{prefix}predictions")(logits)


def drop(x: Any, rate: float, name: str) -> Any:
    """Dropout, or nothing at rate 0: a switched-off layer would still draw random numbers."""
    return layers.Dropout(rate, name=name)(x) if rate else x
