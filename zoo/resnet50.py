"""ResNet50, 101 and 152 as published in 2015, layer for layer those of keras.applications."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras
from keras import layers

from sightkit.zoo.activations import activate
from sightkit.zoo.arguments import same_length, sizes
from sightkit.zoo.classifier_head import End, classify, image_input
from sightkit.zoo.registry import registered
from sightkit.zoo.unit import Initializer, Regularization, Unit

# (filters, stride of the first block) of conv2 … conv5.
STAGES = ((64, 1), (128, 2), (256, 2), (512, 2))
EPSILON = 1.001e-5  # keras.applications writes it so, and the weights were trained with it


@registered
def ResNet50(
    input_shape: Sequence[int],
    classes: int,
    *,
    blocks: Sequence[int] = (3, 4, 6, 3),
    include_top: bool = True,
    initializer: Initializer = "glorot_uniform",
    reg: Regularization = 0.0,
    end: End = "softmax",
    name: str = "resnet50",
) -> keras.Model:
    """16 bottlenecks: 25,636,712 parameters for 224x224x3 → 1000, of which 53,120 not trained.

    The entry ``resnet101`` has 33 bottlenecks and 44,707,176 parameters, ``resnet152`` 50 and
    60,419,944.

    ============== =========================================== ====================
    layer          kind (each convolution with BN)             output for 224x224x3
    ============== =========================================== ====================
    conv1_conv     64 filters 7x7, stride 2, padded by 3       112x112x64
    pool1_pool     maximum 3x3, stride 2, padded by 1          56x56x64
    conv2_block1…3 64 1x1, 64 3x3, 256 1x1, plus shortcut      56x56x256
    conv3_block1…4 128, 128, 512                               28x28x512
    conv4_block1…6 256, 256, 1024                              14x14x1024
    conv5_block1…3 512, 512, 2048                              7x7x2048
    avg_pool       average over the map                        2048
    logits         classes                                     classes
    ============== =========================================== ====================

    Args:
        input_shape: (height, width, channels), any size.
        classes: number of classes.
        blocks: of each of the four stages: (3, 4, 23, 3) is ResNet-101, (3, 8, 36, 3) ResNet-152.
        include_top: False ends with ``conv5_block3_out``, for network surgery.
        initializer, reg: see ``unit.Unit``.
        end: what it ends in, see ``classifier_head.End``.
        name: name of the model.

    Returns:
        Uncompiled model: float32 (N, H, W, C) to float32 (N, classes) probabilities. The published
        weights expect BGR minus the ImageNet mean.

    Raises:
        SightkitError: an argument out of range.

    Reference:
        He, Zhang, Ren, Sun, "Deep residual learning for image recognition", 2015. As in the
        authors' Caffe model and in ``keras.applications``: a block's stride is in its first 1x1
        convolution, and convolutions have a bias although BN follows. Layer names and weights are
        those of ``keras.applications``, save that its last layer is two here.

    Example:
        >>> ResNet50((224, 224, 3), 1000).count_params()
        25636712
    """
    sizes(blocks=blocks)
    same_length(blocks=blocks, **{"the network's four stages": STAGES})
    unit = Unit(activation=None, initializer=initializer, reg=reg, epsilon=EPSILON)
    images = image_input(input_shape, classes, end=end)
    x = layers.ZeroPadding2D(3, name="conv1_pad")(images)
    x = unit.convolution(x, 64, 7, strides=2, padding="valid", name="conv1_conv")
    x = _normalized(x, unit, "conv1_bn")
    x = activate(x, "relu", "conv1_relu")
    x = layers.ZeroPadding2D(1, name="pool1_pad")(x)
    x = layers.MaxPooling2D(3, strides=2, name="pool1_pool")(x)
    for stage, ((filters, first_stride), count) in enumerate(zip(STAGES, blocks, strict=True), 2):
        for block in range(1, count + 1):
            strides = first_stride if block == 1 else 1
            x = _bottleneck(x, unit, filters, strides, block == 1, f"conv{stage}_block{block}")
    if not include_top:
        return keras.Model(images, x, name=name)
    x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
    return keras.Model(
        images, classify(x, classes, initializer=initializer, reg=reg, end=end), name=name
    )


def _normalized(x: Any, unit: Unit, name: str) -> Any:
    return replace(unit, normalization="batch").normalize(x, name)


def _bottleneck(x: Any, unit: Unit, filters: int, strides: int, project: bool, name: str) -> Any:
    shortcut = x
    if project:
        shortcut = unit.convolution(x, 4 * filters, 1, strides=strides, name=f"{name}_0_conv")
        shortcut = _normalized(shortcut, unit, f"{name}_0_bn")
    x = unit.convolution(x, filters, 1, strides=strides, padding="valid", name=f"{name}_1_conv")
    x = activate(_normalized(x, unit, f"{name}_1_bn"), "relu", f"{name}_1_relu")
    x = unit.convolution(x, filters, 3, name=f"{name}_2_conv")
    x = activate(_normalized(x, unit, f"{name}_2_bn"), "relu", f"{name}_2_relu")
    x = unit.convolution(x, 4 * filters, 1, name=f"{name}_3_conv")
    x = _normalized(x, unit, f"{name}_3_bn")
    x = layers.Add(name=f"{name}_add")([shortcut, x])
    return activate(x, "relu", f"{name}_out")
