"""U-Net: a segmenter whose way up sees its way down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import keras
from keras import layers

from sightkit._errors import SightkitError
from sightkit.zoo.arguments import drop_rates, one_of, sizes
from sightkit.zoo.classifier_head import drop, image_input, probabilities
from sightkit.zoo.registry import registered
from sightkit.zoo.unit import Activation, Initializer, Regularization, Unit
from sightkit.zoo.unpooling import Unpooling2D

UPSAMPLINGS = ("transposed", "nearest", "bed_of_nails", "max_unpooling")


@registered
def UNet(
    input_shape: Sequence[int],
    classes: int,
    *,
    filters: Sequence[int] = (64, 128, 256, 512, 1024),
    upsampling: Literal["transposed", "nearest", "bed_of_nails", "max_unpooling"] = "transposed",
    activation: Activation = "relu",
    normalization: str | None = None,
    norm_before_activation: bool = True,
    initializer: Initializer = "he_normal",
    reg: Regularization = 0.0,
    dropout: float = 0.0,
    name: str = "unet",
) -> keras.Model:
    """Four levels down and up again: 31,030,658 parameters for 1 channel → 2 classes.

    ================ ================================================ ====================
    layer            kind                                             output for 256x256x1
    ================ ================================================ ====================
    down1_conv1, 2   64 filters 3x3, same                             256x256x64
    down1_pool       maximum 2x2, stride 2                            128x128x64
    down2 … down4    the same with 128, 256, 512                      16x16x512
    bottom_conv1, 2  1024 filters 3x3, same                           16x16x1024
    up4              512 filters 2x2 transposed, stride 2             32x32x512
    up4_joined       beside down4_conv2                               32x32x1024
    up4_conv1, 2     512 filters 3x3, same                            32x32x512
    up3 … up1        the same with 256, 128, 64                       256x256x64
    logits           classes filters 1x1                              256x256xclasses
    predictions      softmax over the classes                         256x256xclasses
    ================ ================================================ ====================

    Args:
        input_shape: (height, width, channels), sides divisible by 16 (2 to the number of levels
            above the bottom).
        classes: number of classes, background included, at least 2.
        filters: of each level, the bottom last.
        upsampling: how a level's sides are doubled. ``"transposed"``: by a transposed convolution;
            ``"nearest"`` and ``"bed_of_nails"``: each value four times, or once among zeros, then
            a convolution 2x2; ``"max_unpooling"``: a convolution 2x2, then each value where the
            maximum was on the way down. The count is the same.
        activation, normalization, norm_before_activation, initializer, reg: see ``unit.Unit``.
        dropout: share dropped at the bottom (the paper mentions it, without a figure).
        name: name of the model.

    Returns:
        Uncompiled model: float32 (N, H, W, C) to float32 (N, H, W, classes) probabilities.

    Raises:
        SightkitError: sides that do not halve evenly, or another argument out of range.

    Reference:
        Ronneberger, Fischer, Brox, "U-Net: convolutional networks for biomedical image
        segmentation", 2015. Differs on purpose: padding "same", so that output and input have one
        size; the count does not change.

    Example:
        >>> UNet((256, 256, 1), 2).count_params()
        31030658
    """
    sizes(filters=filters)
    if len(filters) < 2:
        raise SightkitError("U-Net needs at least two levels.", filters=filters)
    one_of(UPSAMPLINGS, upsampling=upsampling)
    multiple = 2 ** (len(filters) - 1)
    (rate,) = drop_rates(dropout, 1)
    unit = Unit(activation, normalization, norm_before_activation, initializer, reg)
    bare = replace(unit, activation=None, normalization=None)

    images = image_input(input_shape, classes, minimum=multiple, multiple=multiple)
    x: Any = images
    skips = []
    for level, width in enumerate(filters[:-1], start=1):
        x = _pair(x, unit, width, f"down{level}")
        skips.append(x)
        x = layers.MaxPooling2D(2, strides=2, name=f"down{level}_pool")(x)
    x = _pair(x, unit, filters[-1], "bottom")
    x = drop(x, rate, "bottom_dropout")
    for level in range(len(filters) - 1, 0, -1):
        width = filters[level - 1]
        skip = skips[level - 1]
        x = _double(x, skip, bare, width, upsampling, f"up{level}")
        x = layers.Concatenate(name=f"up{level}_joined")([skip, x])
        x = _pair(x, unit, width, f"up{level}")
    x = bare.convolution(x, classes, 1, name="logits")
    return keras.Model(images, probabilities(x), name=name)


def _double(x: Any, pooled: Any, unit: Unit, filters: int, upsampling: str, name: str) -> Any:
    if upsampling == "transposed":
        return unit.transposed(x, filters, 2, 2, name=name)
    if upsampling == "max_unpooling":
        x = unit.convolution(x, filters, 2, name=name)
        return Unpooling2D(name=f"{name}_unpooled")([x, pooled])
    enlarge: Any = layers.UpSampling2D if upsampling == "nearest" else Unpooling2D
    x = enlarge(name=f"{name}_{upsampling}")(x)
    return unit.convolution(x, filters, 2, name=name)


def _pair(x: Any, unit: Unit, filters: int, name: str) -> Any:
    x = unit.convolution(x, filters, 3, name=f"{name}_conv1")
    return unit.convolution(x, filters, 3, name=f"{name}_conv2")
