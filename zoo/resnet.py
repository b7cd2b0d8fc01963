"""ResNet with pre-activation bottlenecks, in the books' three layouts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras
from keras import layers

from sightkit._errors import SightkitError
from sightkit.zoo.arguments import one_of, positive_number, same_length, sizes
from sightkit.zoo.classifier_head import End, classify, image_input
from sightkit.zoo.registry import registered
from sightkit.zoo.unit import Activation, Initializer, Regularization, Unit

# Kernel and stride of the first convolution; and whether it is pooled: normalized, activated,
# padded by 1, maximum 3x3/2.
STEMS = {"cifar": (3, 1, False), "tiny_imagenet": (5, 1, True), "imagenet": (7, 2, True)}
# The reference's `residual_module` has this default and never receives another value (bug B1).
UNREACHED_REG = 1e-4


@registered
def ResNet(
    input_shape: Sequence[int],
    classes: int,
    *,
    stages: Sequence[int] = (9, 9, 9),
    filters: Sequence[int] = (64, 64, 128, 256),
    stem: str = "cifar",
    faithful: bool = False,
    activation: Activation = "relu",
    initializer: Initializer = "glorot_uniform",
    reg: Regularization = 1e-4,
    epsilon: float = 2e-5,
    momentum: float = 0.9,
    end: End = "softmax",
    name: str = "resnet",
) -> keras.Model:
    """Bottlenecks with pre-activation; the entries are the books' layouts.

    ===================== ========= ==================== =========== ============ ==================
    entry                 stages    filters              parameters  not trained  for
    ===================== ========= ==================== =========== ============ ==================
    resnet_cifar          9 9 9     64 64 128 256        886,102     12,230       32x32x3 → 10
    resnet_tiny_imagenet  3 4 6     64 128 256 512       2,265,748   13,702       64x64x3 → 200
    resnet_imagenet       3 4 6 3   64 256 512 1024 2048 25,595,060  45,574       224x224x3 → 1000
    ===================== ========= ==================== =========== ============ ==================

    ============ ============================================== ==================
    layer        kind                                           output for 32x32x3
    ============ ============================================== ==================
    images_norm  BN of the images themselves                    32x32x3
    conv1        filters[0], 3x3 (``stem``), no bias            32x32x64
    stage1       9 modules of 64                                32x32x64
    stage2       9 modules of 128, the first with stride 2      16x16x128
    stage3       9 modules of 256, the first with stride 2      8x8x256
    final        BN, ReLU, average over the map                 256
    logits       classes                                        classes
    ============ ============================================== ==================

    A module of K filters: BN, ReLU, K/4 1x1; BN, ReLU, K/4 3x3 (here the stride); BN, ReLU,
    K 1x1; plus the shortcut. In a stage's first module the shortcut is a 1x1 projection of the
    first activation. No convolution has a bias.

    Args:
        input_shape: (height, width, channels), any size.
        classes: number of classes.
        stages: modules of each stage.
        filters: of the stem, then of each stage; one entry more than ``stages``, divisible by 4.
        stem: ``"cifar"`` (3x3), ``"tiny_imagenet"`` (5x5, maximum 3x3/2) or ``"imagenet"`` (7x7/2,
            maximum 3x3/2).
        faithful: True reproduces the reference's bug: ``reg`` reaches stem and classifier alone,
            the modules always use 1e-4. The published results were made so.
        activation, initializer, reg: see ``unit.Unit``.
        epsilon, momentum: of batch normalization.
        end: what it ends in, see ``classifier_head.End``.
        name: name of the model.

    Returns:
        Uncompiled model: float32 (N, H, W, C) to float32 (N, classes) probabilities.

    Raises:
        SightkitError: an argument out of range, or tables of unequal length.

    Reference:
        He, Zhang, Ren, Sun, "Identity mappings in deep residual networks", 2016; Rosebrock,
        "Deep Learning for Computer Vision with Python", practitioner bundle, chapter 12. The
        book's average pooling of 8x8 is global here: the same at its sizes, and others work.

    Example:
        >>> ResNet((32, 32, 3), 10).count_params()
        886102
    """
    one_of(STEMS, stem=stem)
    _check_tables(stages, filters)
    positive_number(epsilon=epsilon, momentum=momentum)
    unit = Unit(
        activation=activation,
        normalization="batch",
        norm_before_activation=True,
        initializer=initializer,
        reg=reg,
        use_bias=False,
        epsilon=epsilon,
        momentum=momentum,
    )
    inner = replace(unit, reg=UNREACHED_REG) if faithful else unit
    images = image_input(input_shape, classes, end=end)
    x = _stem(images, unit, filters[0], *STEMS[stem])
    for stage, (modules, width) in enumerate(zip(stages, filters[1:], strict=True), start=1):
        for module in range(1, modules + 1):
            strides = 2 if module == 1 and stage > 1 else 1
            x = _module(x, inner, width, strides, module == 1, f"stage{stage}_module{module}")
    x = unit.finish(x, "final")
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(
        images, classify(x, classes, initializer=initializer, reg=reg, end=end), name=name
    )


def _check_tables(stages: Sequence[int], filters: Sequence[int]) -> None:
    sizes(stages=stages, filters=filters)
    same_length(stages=stages, **{"filters after the stem's": filters[1:]})
    if any(width % 4 for width in filters[1:]):
        raise SightkitError(
            "Filters of a stage must be divisible by 4: its bottleneck has a quarter of them.",
            filters=filters,
        )


def _stem(images: Any, unit: Unit, filters: int, kernel: int, strides: int, pooled: bool) -> Any:
    bare = replace(unit, activation=None, normalization=None)
    x = unit.normalize(images, "images_norm")
    x = bare.convolution(x, filters, kernel, strides=strides, name="conv1")
    if pooled:
        x = unit.finish(x, "conv1")
        x = layers.ZeroPadding2D(1, name="pool1_pad")(x)
        x = layers.MaxPooling2D(3, strides=2, name="pool1")(x)
    return x


def _module(x: Any, unit: Unit, filters: int, strides: int, project: bool, name: str) -> Any:
    bare = replace(unit, activation=None, normalization=None)
    first = unit.finish(x, f"{name}_conv1")
    y = bare.convolution(first, filters // 4, 1, name=f"{name}_conv1")
    y = unit.finish(y, f"{name}_conv2")
    y = bare.convolution(y, filters // 4, 3, strides=strides, name=f"{name}_conv2")
    y = unit.finish(y, f"{name}_conv3")
    y = bare.convolution(y, filters, 1, name=f"{name}_conv3")
    shortcut = x
    if project:
        shortcut = bare.convolution(first, filters, 1, strides=strides, name=f"{name}_projection")
    return layers.Add(name=name)([y, shortcut])
