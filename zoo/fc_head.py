"""The new dense head of network surgery."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from sightkit.zoo.arguments import class_count, drop_rates, image_shape, one_of, sizes
from sightkit.zoo.classifier_head import End, classify, drop
from sightkit.zoo.registry import registered
from sightkit.zoo.unit import Activation, Initializer, Regularization, Unit

POOLINGS = ("flatten", "avg")


@registered
def FCHead(
    input_shape: Sequence[int],
    classes: int,
    *,
    hidden: Sequence[int] = (256,),
    activation: Activation = "relu",
    initializer: Initializer = "glorot_uniform",
    reg: Regularization = 0.0,
    dropout: float | Sequence[float] = 0.5,
    pool: str = "flatten",
    end: End = "softmax",
    name: str = "fc_head",
) -> keras.Model:
    """Dense layers on the feature maps of another network.

    6,427,153 parameters for VGG16's 7x7x512 → 17; with VGG16 below it (``Surgery``) 21,141,841.

    ============= ======================== ==================
    layer         kind                     output for 7x7x512
    ============= ======================== ==================
    head_flatten                           25088
    head_dense1   256                      256
    head_dropout1 0.5
    logits        classes                  classes
    ============= ======================== ==================

    Args:
        input_shape: (height, width, channels) of the feature maps.
        classes: number of classes.
        hidden: neurons of each hidden dense layer.
        activation, initializer, reg: see ``unit.Unit``.
        dropout: share dropped after each hidden layer: one number, or one a layer.
        pool: ``"flatten"``: each place of the maps has weights of its own; ``"avg"``: the mean
            over the places, ``head_pool``: far fewer weights, for few images.
        end: what it ends in, see ``classifier_head.End``.
        name: name of the model.

    Returns:
        Uncompiled model: float32 (N, H, W, C) features to float32 (N, classes) probabilities.

    Raises:
        SightkitError: an argument out of range.

    Reference:
        Rosebrock, "Deep Learning for Computer Vision with Python", practitioner bundle, chapter 5.

    Example:
        >>> FCHead((7, 7, 512), 17).count_params()
        6427153
    """
    features = keras.Input(image_shape(input_shape, features=True), name="features")
    unit = Unit(activation, initializer=initializer, reg=reg)
    outputs = attach(features, classes, unit, hidden, dropout, pool, end)
    return keras.Model(features, outputs, name=name)


def attach(
    features: Any,
    classes: int,
    unit: Unit,
    hidden: Sequence[int],
    dropout: float | Sequence[float],
    pool: str,
    end: End,
) -> Any:
    """The head's layers on any feature tensor; returns the probabilities."""
    class_count(classes, end)
    sizes(hidden=hidden)
    one_of(POOLINGS, pool=pool)
    rates = drop_rates(dropout, len(hidden))
    x = features
    if len(features.shape) > 2:
        average = layers.GlobalAveragePooling2D(name="head_pool")
        x = (average if pool == "avg" else layers.Flatten(name="head_flatten"))(features)
    for number, (units, rate) in enumerate(zip(hidden, rates, strict=True), start=1):
        x = unit.dense(x, units, name=f"head_dense{number}")
        x = drop(x, rate, f"head_dropout{number}")
    return classify(x, classes, initializer=unit.initializer, reg=unit.reg, end=end)
