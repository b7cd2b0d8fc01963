"""MiniGoogLeNet, the CIFAR-sized Inception network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from sightkit.zoo.arguments import drop_rates, smallest_input
from sightkit.zoo.classifier_head import End, classify, drop, image_input
from sightkit.zoo.registry import registered
from sightkit.zoo.unit import Activation, Initializer, Regularization, Unit

# A pair is a module of 1x1 and 3x3 filters side by side; a single number is a down-sampling.
MODULES = (
    ("inception1", (32, 32)),
    ("inception2", (32, 48)),
    ("down1", 80),
    ("inception3", (112, 48)),
    ("inception4", (96, 64)),
    ("inception5", (80, 80)),
    ("inception6", (48, 96)),
    ("down2", 96),
    ("inception7", (176, 160)),
    ("inception8", (176, 160)),
)


@registered
def MiniGoogLeNet(
    input_shape: Sequence[int],
    classes: int,
    *,
    activation: Activation = "relu",
    normalization: str | None = "batch",
    norm_before_activation: bool = True,
    initializer: Initializer = "glorot_uniform",
    reg: Regularization = 0.0,
    dropout: float = 0.5,
    end: End = "softmax",
    name: str = "minigooglenet",
) -> keras.Model:
    """Small Inception modules: 1,656,250 parameters for 32x32x3 → 10 (3,424 not trained).

    ============= ========================================== ==================
    layer         kind (each convolution with BN and ReLU)   output for 32x32x3
    ============= ========================================== ==================
    conv1         96 filters 3x3, same                       32x32x96
    inception1    32 1x1 beside 32 3x3                       32x32x64
    inception2    32, 48                                     32x32x80
    down1         80 3x3/2 valid beside maximum 3x3/2        15x15x160
    inception3    112, 48                                    15x15x160
    inception4    96, 64                                     15x15x160
    inception5    80, 80                                     15x15x160
    inception6    48, 96                                     15x15x144
    down2         96 3x3/2 valid beside maximum 3x3/2        7x7x240
    inception7    176, 160                                   7x7x336
    inception8    176, 160                                   7x7x336
    pool          average over the map                       336
    dropout       0.5
    logits        classes                                    classes
    ============= ========================================== ==================

    Args:
        input_shape: (height, width, channels), at least 7x7.
        classes: number of classes.
        activation, normalization, norm_before_activation, initializer, reg: see ``unit.Unit``.
        dropout: share dropped before the classifier.
        end: what it ends in, see ``classifier_head.End``.
        name: name of the model.

    Returns:
        Uncompiled model: float32 (N, H, W, C) to float32 (N, classes) probabilities.

    Raises:
        SightkitError: an argument out of range.

    Reference:
        Zhang et al., "Understanding deep learning requires rethinking generalization", 2017,
        figure 3, in the form of Rosebrock's practitioner bundle, chapter 11. The book's average
        pooling of 7x7 is global here, which is the same at 32x32 and lets other sizes in.

    Example:
        >>> MiniGoogLeNet((32, 32, 3), 10).count_params()
        1656250
    """
    (rate,) = drop_rates(dropout, 1)
    unit = Unit(activation, normalization, norm_before_activation, initializer, reg)
    images = image_input(
        input_shape, classes, minimum=smallest_input([(3, 2, "valid")] * 2), end=end
    )
    x = unit.convolution(images, 96, 3, name="conv1")
    for label, filters in MODULES:
        if isinstance(filters, int):
            x = _down(x, unit, filters, label)
        else:
            x = _inception(x, unit, *filters, label)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = drop(x, rate, "dropout")
    return keras.Model(
        images, classify(x, classes, initializer=initializer, reg=reg, end=end), name=name
    )


def _inception(x: Any, unit: Unit, ones: int, threes: int, name: str) -> Any:
    left = unit.convolution(x, ones, 1, name=f"{name}_1x1")
    right = unit.convolution(x, threes, 3, name=f"{name}_3x3")
    return layers.Concatenate(name=name)([left, right])


def _down(x: Any, unit: Unit, filters: int, name: str) -> Any:
    left = unit.convolution(x, filters, 3, strides=2, padding="valid", name=f"{name}_3x3")
    right = layers.MaxPooling2D(3, strides=2, name=f"{name}_pool")(x)
    return layers.Concatenate(name=name)([left, right])
