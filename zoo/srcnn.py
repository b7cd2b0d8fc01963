"""SRCNN, three convolutions that sharpen an enlarged image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import keras
from keras import layers

from sightkit._errors import SightkitError
from sightkit.zoo.arguments import image_shape, one_of, sizes, smallest_input
from sightkit.zoo.registry import registered
from sightkit.zoo.unit import Activation, Initializer, Regularization, Unit


@registered
def SRCNN(
    input_shape: Sequence[int],
    *,
    filters: Sequence[int] = (64, 32),
    kernels: Sequence[int] = (9, 1, 5),
    padding: str = "valid",
    activation: Activation = "relu",
    initializer: Initializer = "he_normal",
    reg: Regularization = 0.0,
    name: str = "srcnn",
) -> keras.Model:
    """9-1-5: 20,099 parameters for three channels (the book), 8,129 for one (the paper).

    ============ ============================= ==================
    layer        kind                          output for 33x33x3
    ============ ============================= ==================
    conv1        64 filters 9x9, valid, ReLU   25x25x64
    conv2        32 filters 1x1, valid, ReLU   25x25x32
    conv3        channels 5x5, valid           21x21x3
    images       float32                       21x21x3
    ============ ============================= ==================

    Args:
        input_shape: (height, width, channels), at least 13x13 with "valid"; the output has as
            many channels. The paper works on the luminance alone: 1 channel.
        filters: of the first two convolutions.
        kernels: sides of the three kernels; (9, 5, 5) is the paper's stronger form.
        padding: ``"valid"`` loses sum(kernels) - 3 pixels a side pair (12 for 9-1-5), so targets
            are cropped by half of it at each edge; ``"same"`` keeps the size.
        activation, initializer, reg: see ``unit.Unit``; the book's kernels start from
            ``"he_normal"``, the entry ``srcnn_paper``'s from a normal of deviation 0.001.
        name: name of the model.

    Returns:
        Uncompiled model: float32 (N, H, W, C) to float32 (N, H - 12, W - 12, C), linear.

    Raises:
        SightkitError: an argument out of range.

    Reference:
        Dong, Loy, He, Tang, "Image super-resolution using deep convolutional networks", 2015;
        Rosebrock's practitioner bundle, chapter 20 (three channels, 33 → 21). Differs on purpose
        from the book: the last convolution is linear, as in the paper, where the book has a ReLU
        (which learns nothing at pixels that it once made black).

    Example:
        >>> SRCNN((33, 33, 3)).count_params()
        20099
    """
    one_of(("valid", "same"), padding=padding)
    sizes(filters=filters, kernels=kernels)
    if len(filters) != 2 or len(kernels) != 3:
        raise SightkitError(
            "SRCNN has three convolutions, the last with as many filters as channels.",
            "Give two filters and three kernels.",
            filters=filters,
            kernels=kernels,
        )
    windows = [(kernel, 1, padding) for kernel in kernels]
    shape = image_shape(input_shape, minimum=smallest_input(windows))
    unit = Unit(activation, initializer=initializer, reg=reg)
    images = keras.Input(shape, name="small_images")
    x = unit.convolution(images, filters[0], kernels[0], padding=padding, name="conv1")
    x = unit.convolution(x, filters[1], kernels[1], padding=padding, name="conv2")
    bare = replace(unit, activation=None)
    x = bare.convolution(x, shape[2], kernels[2], padding=padding, name="conv3")
    outputs = layers.Activation("linear", dtype="float32", name="images")(x)
    return keras.Model(images, outputs, name=name)
