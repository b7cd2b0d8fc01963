"""AlexNet: the form of the book with batch normalization, and those of the papers, as entries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from sightkit._errors import SightkitError
from sightkit.zoo.arguments import Padding, at_least, drop_rates, positive, sizes, smallest_input
from sightkit.zoo.classifier_head import End, classify, drop, image_input
from sightkit.zoo.registry import registered
from sightkit.zoo.unit import Activation, Initializer, Regularization, Unit

POOLED = (1, 2, 5)
# Krizhevsky et al. split conv2, conv4 and conv5 over two graphics cards; conv3 sees both halves.
SPLIT = (2, 4, 5)


@registered
def AlexNet(
    input_shape: Sequence[int],
    classes: int,
    *,
    filters: Sequence[int] = (96, 256, 384, 384, 256),
    hidden: Sequence[int] = (4096, 4096),
    first_padding: Padding = "same",
    groups: int = 1,
    activation: Activation = "relu",
    normalization: str | None = "batch",
    norm_before_activation: bool = False,
    initializer: Initializer = "glorot_uniform",
    reg: Regularization = 2e-4,
    dropout: float | Sequence[float] = (0.25, 0.25, 0.25, 0.5, 0.5),
    end: End = "softmax",
    name: str = "alexnet",
) -> keras.Model:
    """Five convolutions, three dense layers; the entry decides which AlexNet.

    =========================== ============== ================================ =================
    entry                       parameters     differs in                       for
    =========================== ============== ================================ =================
    alexnet                     62,416,616     batch normalization, conv1 same  227x227x3 → 1000
    alexnet (2 classes)         58,327,810     (19,136 not trained)             227x227x3 → 2
    alexnet_one_tower           62,378,344     local response, conv1 valid      227x227x3 → 1000
    alexnet_two_groups          60,965,224     conv2, conv4, conv5 in 2 groups  227x227x3 → 1000
    alexnet_one_weird_trick     61,100,840     filters 64-192-384-256-256       224x224x3 → 1000
    =========================== ============== ================================ =================

    ============ ============================= ============================================
    layer        kind                          output for 227x227x3 (the papers': 55, 27, …)
    ============ ============================= ============================================
    conv1        96 filters 11x11, stride 4    57x57x96
    pool1        maximum 3x3, stride 2         28x28x96
    conv2        256 filters 5x5, same         28x28x256
    pool2        maximum 3x3, stride 2         13x13x256
    conv3        384 filters 3x3, same         13x13x384
    conv4        384 filters 3x3, same         13x13x384
    conv5        256 filters 3x3, same         13x13x256
    pool5        maximum 3x3, stride 2         6x6x256
    dense1, 2    4096                          4096
    logits       classes                       classes
    ============ ============================= ============================================

    Args:
        input_shape: (height, width, channels), at least 57x57 (67x67 with ``"valid"``).
        classes: number of classes.
        filters: of the five convolutions.
        hidden: neurons of the two dense layers.
        first_padding: of conv1: ``"same"`` (the book), ``"valid"`` (the paper), or pixels a side.
        groups: 1, or 2 for the paper's two halves.
        activation, norm_before_activation, initializer, reg: see ``unit.Unit``; the book's ``reg``
            is 2e-4 everywhere.
        normalization: ``"batch"`` after every layer, ``"local_response"`` after conv1 and conv2
            (as in the paper), or None.
        dropout: share dropped after the three poolings and the two dense layers.
        end: what it ends in, see ``classifier_head.End``.
        name: name of the model.

    Returns:
        Uncompiled model: float32 (N, H, W, C) to float32 (N, classes) probabilities.

    Raises:
        SightkitError: an argument out of range.

    Reference:
        Krizhevsky, Sutskever, Hinton, 2012 (two groups); Krizhevsky, "One weird trick for
        parallelizing convolutional neural networks", 2014, in torchvision's form (dropout before
        each hidden dense layer, where the paper of 2012 has it after them); Rosebrock,
        "Deep Learning for Computer Vision with Python", practitioner bundle, chapter 10 (batch
        normalization after the activation, conv1 padded, so 57x57 and not the paper's 55x55).

    Example:
        >>> AlexNet((227, 227, 3), 2).count_params()
        58327810
    """
    _check(filters, hidden, groups)
    rates = drop_rates(dropout, 5)
    local = normalization == "local_response"
    plain = Unit(
        activation, None if local else normalization, norm_before_activation, initializer, reg
    )
    normalized = Unit(activation, normalization, norm_before_activation, initializer, reg)

    images = image_input(input_shape, classes, minimum=_smallest(first_padding), end=end)
    x: Any = images
    for number, (width, kernel) in enumerate(zip(filters, (11, 5, 3, 3, 3), strict=True), start=1):
        x = (normalized if number <= 2 else plain).convolution(
            x,
            width,
            kernel,
            strides=4 if number == 1 else 1,
            padding=first_padding if number == 1 else "same",
            groups=groups if number in SPLIT else 1,
            name=f"conv{number}",
        )
        if number in POOLED:
            x = layers.MaxPooling2D(3, strides=2, name=f"pool{number}")(x)
            x = drop(x, rates[POOLED.index(number)], f"pool{number}_dropout")
    x = layers.Flatten(name="flatten")(x)
    for number, units in enumerate(hidden, start=1):
        x = plain.dense(x, units, name=f"dense{number}")
        x = drop(x, rates[2 + number], f"dense{number}_dropout")
    return keras.Model(
        images, classify(x, classes, initializer=initializer, reg=reg, end=end), name=name
    )


def _smallest(first_padding: Padding) -> int:
    if first_padding not in ("same", "valid") and not at_least(0, first_padding):
        raise SightkitError(
            'first_padding must be "same", "valid" or pixels a side.', first_padding=first_padding
        )
    return smallest_input([(11, 4, first_padding), *[(3, 2, "valid")] * 3])


def _check(filters: Sequence[int], hidden: Sequence[int], groups: int) -> None:
    sizes(filters=filters, hidden=hidden)
    positive(groups=groups)
    if len(filters) != 5 or len(hidden) != 2:
        raise SightkitError(
            "AlexNet has five convolutions and two hidden dense layers.",
            "Give five filters and two hidden sizes.",
            filters=filters,
            hidden=hidden,
        )
    if any(filters[number - 1] % groups or filters[number - 2] % groups for number in SPLIT):
        raise SightkitError(
            "groups must divide the filters of grouped layers and of those before them.",
            groups=groups,
            filters=filters,
        )
