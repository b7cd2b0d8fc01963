"""VGG16 and VGG19: one topology, two entries of a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from sightkit.zoo.arguments import drop_rates, sizes, smallest_input
from sightkit.zoo.classifier_head import End, classify, drop, image_input
from sightkit.zoo.registry import registered
from sightkit.zoo.unit import Activation, Initializer, Regularization, Unit

FILTERS = (64, 128, 256, 512, 512)
CONVOLUTIONS = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}


@registered
def VGG16(
    input_shape: Sequence[int],
    classes: int,
    *,
    hidden: Sequence[int] = (4096, 4096),
    include_top: bool = True,
    activation: Activation = "relu",
    normalization: str | None = None,
    norm_before_activation: bool = True,
    initializer: Initializer = "glorot_uniform",
    reg: Regularization = 0.0,
    dropout: float | Sequence[float] = 0.0,
    end: End = "softmax",
    name: str = "vgg16",
) -> keras.Model:
    """13 convolutions and 3 dense layers: 138,357,544 parameters for 224x224x3 → 1000.

    =================== ======================= ====================
    layer               kind                    output for 224x224x3
    =================== ======================= ====================
    block1_conv1, 2     64 filters 3x3, same    224x224x64
    block1_pool         maximum 2x2, stride 2   112x112x64
    block2_conv1, 2     128 filters 3x3, same   112x112x128
    block2_pool         maximum 2x2, stride 2   56x56x128
    block3_conv1 … 3    256 filters 3x3, same   56x56x256
    block3_pool         maximum 2x2, stride 2   28x28x256
    block4_conv1 … 3    512 filters 3x3, same   28x28x512
    block4_pool         maximum 2x2, stride 2   14x14x512
    block5_conv1 … 3    512 filters 3x3, same   14x14x512
    block5_pool         maximum 2x2, stride 2   7x7x512
    fc1, fc2            4096                    4096
    logits              classes                 classes
    =================== ======================= ====================

    Args:
        input_shape: (height, width, channels), at least 32x32.
        classes: number of classes.
        hidden: neurons of ``fc1``, ``fc2``, …
        include_top: False ends with ``block5_pool`` (14,714,688 parameters), for network surgery.
        activation, normalization, norm_before_activation, initializer, reg: see ``unit.Unit``.
        dropout: share dropped after each hidden dense layer; the paper trained with 0.5.
        end: what it ends in, see ``classifier_head.End``.
        name: name of the model.

    Returns:
        Uncompiled model: float32 (N, H, W, C) to float32 (N, classes) probabilities. The published
        weights expect BGR minus the ImageNet mean.

    Raises:
        SightkitError: an argument out of range.

    Reference:
        Simonyan, Zisserman, "Very deep convolutional networks for large-scale image recognition",
        2014, configuration D. Layer names and weights are those of ``keras.applications``, save
        that its last layer is two here, ``logits`` and ``predictions``.

    Example:
        >>> VGG16((224, 224, 3), 1000).count_params()
        138357544
    """
    unit = Unit(activation, normalization, norm_before_activation, initializer, reg)
    top = (hidden, dropout, end) if include_top else None
    return _vgg(input_shape, classes, CONVOLUTIONS["vgg16"], unit, top, name)


@registered
def VGG19(
    input_shape: Sequence[int],
    classes: int,
    *,
    hidden: Sequence[int] = (4096, 4096),
    include_top: bool = True,
    activation: Activation = "relu",
    normalization: str | None = None,
    norm_before_activation: bool = True,
    initializer: Initializer = "glorot_uniform",
    reg: Regularization = 0.0,
    dropout: float | Sequence[float] = 0.0,
    end: End = "softmax",
    name: str = "vgg19",
) -> keras.Model:
    """16 convolutions and 3 dense layers: 143,667,240 parameters for 224x224x3 → 1000.

    As ``VGG16`` (see there for the table, the arguments and what is raised), with four
    convolutions in each of blocks 3, 4 and 5.

    Args:
        input_shape: (height, width, channels), at least 32x32.
        classes: number of classes.
        hidden: neurons of ``fc1``, ``fc2``, …
        include_top: False ends with ``block5_pool``.
        activation, normalization, norm_before_activation, initializer, reg: see ``unit.Unit``.
        dropout: share dropped after each hidden dense layer; the paper trained with 0.5.
        end: what it ends in, see ``classifier_head.End``.
        name: name of the model.

    Returns:
        Uncompiled model: float32 (N, H, W, C) to float32 (N, classes) probabilities.

    Raises:
        SightkitError: an argument out of range.

    Reference:
        Simonyan, Zisserman, 2014, configuration E.

    Example:
        >>> VGG19((224, 224, 3), 1000).count_params()
        143667240
    """
    unit = Unit(activation, normalization, norm_before_activation, initializer, reg)
    top = (hidden, dropout, end) if include_top else None
    return _vgg(input_shape, classes, CONVOLUTIONS["vgg19"], unit, top, name)


def _vgg(
    input_shape: Sequence[int],
    classes: int,
    convolutions: Sequence[int],
    unit: Unit,
    top: tuple[Sequence[int], float | Sequence[float], End] | None,
    name: str,
) -> keras.Model:
    smallest = smallest_input([(2, 2, "valid")] * len(FILTERS))
    images = image_input(input_shape, classes, minimum=smallest, end=top[2] if top else "softmax")
    x: Any = images
    for block, (filters, count) in enumerate(zip(FILTERS, convolutions, strict=True), start=1):
        for number in range(1, count + 1):
            x = unit.convolution(x, filters, 3, name=f"block{block}_conv{number}")
        x = layers.MaxPooling2D(2, strides=2, name=f"block{block}_pool")(x)
    if top is None:
        return keras.Model(images, x, name=name)
    hidden, dropout, end = top
    sizes(hidden=hidden)
    rates = drop_rates(dropout, len(hidden))
    x = layers.Flatten(name="flatten")(x)
    for number, (units, rate) in enumerate(zip(hidden, rates, strict=True), start=1):
        x = unit.dense(x, units, name=f"fc{number}")
        x = drop(x, rate, f"fc{number}_dropout")
    predictions = classify(x, classes, initializer=unit.initializer, reg=unit.reg, end=end)
    return keras.Model(images, predictions, name=name)
