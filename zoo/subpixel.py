"""A network that enlarges pictures: all convolutions are at the small size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import keras
from keras import layers

from sightkit._errors import SightkitError
from sightkit.zoo.arguments import image_shape, positive, sizes
from sightkit.zoo.initializers import (
    BicubicPhases,
    Initializer,
    Regularization,
    kernel_regularizer,
)
from sightkit.zoo.registry import registered
from sightkit.zoo.unit import Activation, Unit

SKIP = 5
"""Side of the skip's kernels: what bicubic interpolation reads for all phases of a pixel."""


@registered
def SubPixel(
    input_shape: Sequence[int],
    factor: int = 2,
    *,
    filters: Sequence[int] = (16, 16, 16, 16),
    kernels: Sequence[int] = (5, 3, 3, 3, 3),
    activation: Activation = "relu",
    initializer: Initializer = "he_normal",
    reg: Regularization = 0.0,
    name: str = "subpixel",
) -> keras.Model:
    """A body of narrow convolutions and a bicubic skip: 8,056 parameters for one channel, twice.

    ============ ============================================== =====================
    layer        kind                                           output for 30x30x1, 2
    ============ ============================================== =====================
    conv1        16 filters 5x5, valid, ReLU                    26x26x16
    conv2-conv4  16 filters 3x3, valid, ReLU                    20x20x16
    conv5        channels · factor² filters 3x3                 18x18x4
    skip         channels · factor² filters 5x5 of the input    18x18x4
    shuffle      phases to places                               36x36x1
    images       float32                                        36x36x1
    ============ ============================================== =====================

    conv5 and skip are added. The skip begins as bicubic interpolation and learns like the rest, so
    that an untrained network enlarges as well as that does.

    Args:
        input_shape: (height, width, channels), at least 13x13; the output has as many channels.
        factor: sides of the output by those of the input, less what "valid" loses.
        filters: of all convolutions but the last.
        kernels: odd sides of all convolutions; together they lose sum(kernels) - len(kernels)
            pixels of height and width, at least the skip's 4.
        activation, initializer, reg: see ``unit.Unit``; the last kernels start from a normal of
            deviation 0.001, the skip's from bicubic interpolation.
        name: name of the model.

    Returns:
        Uncompiled model: float32 (N, H, W, C) to float32 (N, factor · (H - 12), factor · (W - 12),
        C), linear.

    Raises:
        SightkitError: an argument out of range.

    Reference:
        Shi et al., "Real-time single image and video super-resolution using an efficient sub-pixel
        convolutional neural network", 2016 (ESPCN: the shuffle); Dong, Loy, Tang, "Accelerating
        the super-resolution convolutional neural network", 2016 (FSRCNN: narrow 3x3 convolutions).
        Differs from both on purpose: a skip; and fewer parameters than SRCNN's 8,129, for which
        the entries of factor 3 and 4 are narrower (FSRCNN has 12,464 weights).

    Example:
        >>> SubPixel((30, 30, 1), 2).output_shape
        (None, 36, 36, 1)
    """
    positive(factor=factor)
    sizes(filters=filters, kernels=kernels)
    lost = sum(kernels) - len(kernels)
    if len(kernels) != len(filters) + 1 or any(k % 2 == 0 for k in kernels) or lost < SKIP - 1:
        raise SightkitError(
            "Each convolution has a kernel of an odd side, the last one no filters of its own, and "
            f"together they lose at least {SKIP - 1} pixels.",
            "Give filters=(16, 16) and kernels=(5, 3, 1), for example.",
            filters=filters,
            kernels=kernels,
        )
    shape = image_shape(input_shape, minimum=lost + 1)
    unit = Unit(activation, initializer=initializer, reg=reg)
    images = keras.Input(shape, name="small_images")
    x = images
    for number, (width, kernel) in enumerate(zip(filters, kernels, strict=False), start=1):
        x = unit.convolution(x, width, kernel, padding="valid", name=f"conv{number}")
    phases = shape[2] * factor**2
    last = replace(unit, activation=None, initializer=("random_normal", 0.001))
    x = last.convolution(x, phases, kernels[-1], padding="valid", name=f"conv{len(kernels)}")
    seen = layers.Cropping2D((lost - SKIP + 1) // 2, name="skip_crop")(images)
    skip = layers.Conv2D(
        phases, SKIP, use_bias=False, kernel_initializer=BicubicPhases(factor), name="skip",
        kernel_regularizer=kernel_regularizer(reg),
    )(seen)  # fmt: skip
    x = layers.Add(name="add")([x, skip])
    height, width = shape[0] - lost, shape[1] - lost
    x = layers.Reshape((height, width, factor, factor, shape[2]), name="phases")(x)
    x = layers.Permute((1, 3, 2, 4, 5), name="shuffle")(x)
    x = layers.Reshape((height * factor, width * factor, shape[2]), name="places")(x)
    outputs = layers.Activation("linear", dtype="float32", name="images")(x)
    return keras.Model(images, outputs, name=name)
