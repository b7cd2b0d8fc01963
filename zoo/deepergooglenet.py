"""DeeperGoogLeNet, GoogLeNet cut for Tiny ImageNet's 64x64 images."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from sightkit.zoo.arguments import drop_rates
from sightkit.zoo.classifier_head import End, classify, drop, image_input
from sightkit.zoo.inception import halve, inception
from sightkit.zoo.registry import registered
from sightkit.zoo.unit import Activation, Initializer, Regularization, Unit


@registered
def DeeperGoogLeNet(
    input_shape: Sequence[int],
    classes: int,
    *,
    activation: Activation = "relu",
    normalization: str | None = "batch",
    norm_before_activation: bool = True,
    initializer: Initializer = "glorot_uniform",
    reg: Regularization = 5e-4,
    dropout: float = 0.4,
    end: End = "softmax",
    name: str = "deepergooglenet",
) -> keras.Model:
    """Inception 3a to 4e behind a gentle stem: 3,667,976 parameters for 64x64x3 → 200.

    9,984 of them are not trained.

    ============== ========================================= ==================
    layer          kind (each convolution with BN and ReLU)  output for 64x64x3
    ============== ========================================= ==================
    conv1          64 filters 5x5, same                      64x64x64
    pool1          maximum 3x3, stride 2, same               32x32x64
    conv2_reduce   64 filters 1x1                            32x32x64
    conv2          192 filters 3x3, same                     32x32x192
    pool2          maximum 3x3, stride 2, same               16x16x192
    inception_3a   see ``inception.FILTERS``                 16x16x256
    inception_3b                                             16x16x480
    pool3          maximum 3x3, stride 2, same               8x8x480
    inception_4a                                             8x8x512
    inception_4b                                             8x8x512
    inception_4c                                             8x8x512
    inception_4d                                             8x8x528
    inception_4e                                             8x8x832
    pool4          maximum 3x3, stride 2, same               4x4x832
    pool           average over the map                      832
    dropout        0.4
    logits         classes                                   classes
    ============== ========================================= ==================

    Args:
        input_shape: (height, width, channels), any size; each of four poolings halves it.
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
        Rosebrock, "Deep Learning for Computer Vision with Python", practitioner bundle, chapter
        11, after Szegedy et al., 2014. The book's average pooling of 4x4 is global here, which is
        the same at 64x64 and lets other sizes in.

    Example:
        >>> DeeperGoogLeNet((64, 64, 3), 200).count_params()
        3667976
    """
    (rate,) = drop_rates(dropout, 1)
    unit = Unit(activation, normalization, norm_before_activation, initializer, reg)
    images = image_input(input_shape, classes, end=end)
    x = unit.convolution(images, 64, 5, name="conv1")
    x = halve(x, "pool1")
    x = unit.convolution(x, 64, 1, name="conv2_reduce")
    x = unit.convolution(x, 192, 3, name="conv2")
    x = halve(x, "pool2")
    for stage in ("3a", "3b"):
        x = inception(x, unit, stage)
    x = halve(x, "pool3")
    for stage in ("4a", "4b", "4c", "4d", "4e"):
        x = inception(x, unit, stage)
    x = halve(x, "pool4")
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = drop(x, rate, "dropout")
    return keras.Model(
        images, classify(x, classes, initializer=initializer, reg=reg, end=end), name=name
    )
