"""ResNet20 v1, the original residual network for CIFAR-10."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras
from keras import layers

from sightkit._errors import SightkitError
from sightkit.zoo.activations import activate, pieces
from sightkit.zoo.arguments import positive, sizes
from sightkit.zoo.classifier_head import End, classify, image_input
from sightkit.zoo.registry import registered
from sightkit.zoo.unit import Activation, Initializer, Regularization, Unit


@registered
def ResNet20(
    input_shape: Sequence[int],
    classes: int,
    *,
    blocks: int = 3,
    filters: Sequence[int] = (16, 32, 64),
    activation: Activation = "relu",
    initializer: Initializer = "he_normal",
    reg: Regularization = 1e-4,
    end: End = "softmax",
    name: str = "resnet20",
) -> keras.Model:
    """Basic residual blocks, relu(F(x) + x): 274,442 parameters for 32x32x3 → 10.

    ============ ================================================ ==================
    layer        kind (each convolution with BN)                  output for 32x32x3
    ============ ================================================ ==================
    conv1        16 filters 3x3, same                             32x32x16
    stage1       3 blocks: 16 3x3, 16 3x3, plus shortcut          32x32x16
    stage2       3 blocks of 32, the first with stride 2          16x16x32
    stage3       3 blocks of 64, the first with stride 2          8x8x64
    pool         average over the map                             64
    logits       classes                                          classes
    ============ ================================================ ==================

    Args:
        input_shape: (height, width, channels), any size.
        classes: number of classes.
        blocks: of each stage: depth is 2 · stages · blocks + 2.
        filters: of each stage.
        activation, initializer, reg: see ``unit.Unit``; any activation but ``"maxout"``.
        end: what it ends in, see ``classifier_head.End``.
        name: name of the model.

    Returns:
        Uncompiled model: float32 (N, H, W, C) to float32 (N, classes) probabilities.

    Raises:
        SightkitError: an argument out of range.

    Reference:
        He, Zhang, Ren, Sun, "Deep residual learning for image recognition", 2015, section 4.2, in
        Elgendy's form: convolutions have a bias, and where the size changes the shortcut is a 1x1
        projection without batch normalization (the paper pads with zeros).

    Example:
        >>> ResNet20((32, 32, 3), 10).count_params()
        274442
    """
    positive(blocks=blocks)
    sizes(filters=filters)
    if not filters:
        raise SightkitError("ResNet20 needs at least one stage.", filters=filters)
    if pieces(activation) != 1:
        raise SightkitError(
            "ResNet20 activates sums, whose channels maxout would lessen.",
            "Choose another activation.",
            activation=activation,
        )
    unit = Unit(activation, "batch", True, initializer, reg)
    images = image_input(input_shape, classes, end=end)
    x = unit.convolution(images, filters[0], 3, name="conv1")
    for stage, width in enumerate(filters, start=1):
        for block in range(1, blocks + 1):
            strides = 2 if stage > 1 and block == 1 else 1
            x = _block(x, unit, width, strides, f"stage{stage}_block{block}")
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(
        images, classify(x, classes, initializer=initializer, reg=reg, end=end), name=name
    )


def _block(x: Any, unit: Unit, filters: int, strides: int, name: str) -> Any:
    linear = replace(unit, activation=None)
    y = unit.convolution(x, filters, 3, strides=strides, name=f"{name}_conv1")
    y = linear.convolution(y, filters, 3, name=f"{name}_conv2")
    if strides != 1:
        bare = replace(linear, normalization=None)
        x = bare.convolution(x, filters, 1, strides=strides, name=f"{name}_projection")
    y = layers.Add(name=f"{name}_add")([x, y])
    return activate(y, unit.activation, name)
