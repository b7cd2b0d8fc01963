"""The head that makes a segmenter of a classifier's feature maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras
from keras import layers

from sightkit.zoo.arguments import class_count, drop_rates, image_shape, positive, sizes
from sightkit.zoo.classifier_head import drop, probabilities
from sightkit.zoo.initializers import Bilinear, kernel_regularizer
from sightkit.zoo.registry import registered
from sightkit.zoo.unit import Activation, Initializer, Regularization, Unit


@registered
def FCNHead(
    input_shape: Sequence[int],
    classes: int,
    *,
    stride: int = 32,
    hidden: Sequence[int] = (4096, 4096),
    kernel: int = 7,
    activation: Activation = "relu",
    initializer: Initializer = "he_normal",
    reg: Regularization = 0.0,
    dropout: float | Sequence[float] = 0.5,
    name: str = "fcn_head",
) -> keras.Model:
    """VGG16's dense layers as convolutions, scores a pixel, and the way back to full size.

    121,438,229 parameters for 512 channels → 21 classes (FCN-32s' own layers).

    ============= ============================================= ===================
    layer         kind                                          output for 7x7x512
    ============= ============================================= ===================
    conv1         4096 filters 7x7, same                        7x7x4096
    dropout1      0.5
    conv2         4096 filters 1x1                              7x7x4096
    dropout2      0.5
    scores        classes filters 1x1                           7x7xclasses
    logits        transposed 64x64, stride 32, starts bilinear  224x224xclasses
    predictions   softmax over the classes                      224x224xclasses
    ============= ============================================= ===================

    Args:
        input_shape: (height, width, channels) of the feature maps, any size.
        classes: number of classes, background included, at least 2.
        stride: of the network below: how much smaller its maps are than its images.
        hidden: filters of the convolutions before the scores; may be empty.
        kernel: side of the first convolution's kernel; the others are 1x1.
        activation, initializer, reg: see ``unit.Unit``.
        dropout: share dropped after each hidden convolution: one number, or one each.
        name: name of the model.

    Returns:
        Uncompiled model: float32 (N, H, W, C) features to float32 (N, H·stride, W·stride,
        classes) probabilities.

    Raises:
        SightkitError: an argument out of range.

    Reference:
        Long, Shelhamer, Darrell, "Fully convolutional networks for semantic segmentation", 2015
        (FCN-32s). Differs on purpose: padding "same" instead of padding the image by 100 and
        cropping.

    Example:
        >>> FCNHead((7, 7, 512), 21, hidden=()).output_shape
        (None, 224, 224, 21)
    """
    shape = image_shape(input_shape, features=True)
    class_count(classes)
    positive(stride=stride, kernel=kernel)
    sizes(hidden=hidden)
    rates = drop_rates(dropout, len(hidden))
    unit = Unit(activation, initializer=initializer, reg=reg)
    features = keras.Input(shape, name="features")
    x: Any = features
    for number, (filters, rate) in enumerate(zip(hidden, rates, strict=True), start=1):
        x = unit.convolution(x, filters, kernel if number == 1 else 1, name=f"conv{number}")
        x = drop(x, rate, f"dropout{number}")
    x = replace(unit, activation=None).convolution(x, classes, 1, name="scores")
    bilinear: Any = Bilinear()
    x = layers.Conv2DTranspose(
        classes,
        2 * stride,
        strides=stride,
        padding="same",
        use_bias=False,
        kernel_initializer=bilinear,
        kernel_regularizer=kernel_regularizer(reg),
        name="logits",
    )(x)
    return keras.Model(features, probabilities(x), name=name)
