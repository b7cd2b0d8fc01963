"""MiniVGGNet, the CIFAR-sized VGG of the practitioners' books."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from sightkit.zoo.arguments import drop_rates, smallest_input
from sightkit.zoo.classifier_head import End, classify, drop, image_input
from sightkit.zoo.registry import registered
from sightkit.zoo.unit import Activation, Initializer, Regularization, Unit


@registered
def MiniVGGNet(
    input_shape: Sequence[int],
    classes: int,
    *,
    activation: Activation = "relu",
    normalization: str | None = "batch",
    norm_before_activation: bool = False,
    initializer: Initializer = "glorot_uniform",
    reg: Regularization = 0.0,
    dropout: float | Sequence[float] = (0.25, 0.25, 0.5),
    end: End = "softmax",
    name: str = "minivggnet",
) -> keras.Model:
    """Two blocks of two 3x3 convolutions and one dense layer.

    2,171,178 parameters for 32x32x3 → 10, of which 1,408 are not trained; 2,168,362 without batch
    normalization.

    ================= =============================== ==================
    layer             kind                            output for 32x32x3
    ================= =============================== ==================
    block1_conv1, 2   32 filters 3x3, same, ReLU, BN  32x32x32
    block1_pool       maximum 2x2, stride 2           16x16x32
    block1_dropout    0.25
    block2_conv1, 2   64 filters 3x3, same, ReLU, BN  16x16x64
    block2_pool       maximum 2x2, stride 2           8x8x64
    block2_dropout    0.25
    dense1            512, ReLU, BN                   512
    dropout           0.5
    logits            classes                         classes
    ================= =============================== ==================

    Args:
        input_shape: (height, width, channels), at least 4x4.
        classes: number of classes.
        activation, initializer, reg: see ``unit.Unit``.
        normalization: ``"batch"`` or, without batch normalization, None.
        norm_before_activation: the books normalize *after* the activation (False); others before.
        dropout: share dropped after each block and after the dense layer.
        end: what it ends in, see ``classifier_head.End``.
        name: name of the model.

    Returns:
        Uncompiled model: float32 (N, H, W, C), scaled to [0, 1], to float32 (N, classes)
        probabilities.

    Raises:
        SightkitError: an argument out of range.

    Reference:
        Rosebrock, "Deep Learning for Computer Vision with Python", starter bundle, chapter 15,
        after Simonyan and Zisserman, 2014.

    Example:
        >>> MiniVGGNet((32, 32, 3), 10).count_params()
        2171178
    """
    rates = drop_rates(dropout, 3)
    unit = Unit(activation, normalization, norm_before_activation, initializer, reg)
    images = image_input(
        input_shape, classes, minimum=smallest_input([(2, 2, "valid")] * 2), end=end
    )
    x = images
    for block, filters in enumerate((32, 64), start=1):
        for number in (1, 2):
            x = unit.convolution(x, filters, 3, name=f"block{block}_conv{number}")
        x = layers.MaxPooling2D(2, strides=2, name=f"block{block}_pool")(x)
        x = drop(x, rates[block - 1], f"block{block}_dropout")
    x = layers.Flatten(name="flatten")(x)
    x = unit.dense(x, 512, name="dense1")
    x = drop(x, rates[2], "dropout")
    return keras.Model(
        images, classify(x, classes, initializer=initializer, reg=reg, end=end), name=name
    )
