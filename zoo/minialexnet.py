"""MiniAlexNet, the CIFAR-10 network of "Deep Learning for Vision Systems"."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from sightkit.zoo.arguments import drop_rates, smallest_input
from sightkit.zoo.classifier_head import End, classify, drop, image_input
from sightkit.zoo.registry import registered
from sightkit.zoo.unit import Activation, Initializer, Regularization, Unit


@registered
def MiniAlexNet(
    input_shape: Sequence[int],
    classes: int,
    *,
    activation: Activation = "relu",
    normalization: str | None = None,
    norm_before_activation: bool = False,
    initializer: Initializer = "glorot_uniform",
    reg: Regularization = 0.0,
    dropout: float | Sequence[float] = (0.3, 0.4),
    end: End = "softmax",
    name: str = "minialexnet",
) -> keras.Model:
    """Three 2x2 convolutions, each pooled: 528,054 parameters for 32x32x3 → 10.

    ============ ======================= ==================
    layer        kind                    output for 32x32x3
    ============ ======================= ==================
    conv1        16 filters 2x2, same    32x32x16
    pool1        maximum 2x2, stride 2   16x16x16
    conv2        32 filters 2x2, same    16x16x32
    pool2        maximum 2x2, stride 2   8x8x32
    conv3        64 filters 2x2, same    8x8x64
    pool3        maximum 2x2, stride 2   4x4x64
    dropout1     0.3
    dense1       500                     500
    dropout2     0.4
    logits       classes                 classes
    ============ ======================= ==================

    Args:
        input_shape: (height, width, channels), at least 8x8.
        classes: number of classes.
        activation, normalization, norm_before_activation, initializer, reg: see ``unit.Unit``.
        dropout: share dropped after the last pooling and after the dense layer.
        end: what it ends in, see ``classifier_head.End``.
        name: name of the model.

    Returns:
        Uncompiled model: float32 (N, H, W, C), scaled to [0, 1], to float32 (N, classes)
        probabilities.

    Raises:
        SightkitError: an argument out of range.

    Reference:
        Elgendy, "Deep Learning for Vision Systems", chapter 3 project.

    Example:
        >>> MiniAlexNet((32, 32, 3), 10).count_params()
        528054
    """
    after_pooling, after_dense = drop_rates(dropout, 2)
    unit = Unit(activation, normalization, norm_before_activation, initializer, reg)
    images = image_input(
        input_shape, classes, minimum=smallest_input([(2, 2, "valid")] * 3), end=end
    )
    x = images
    for block, filters in enumerate((16, 32, 64), start=1):
        x = unit.convolution(x, filters, 2, name=f"conv{block}")
        x = layers.MaxPooling2D(2, strides=2, name=f"pool{block}")(x)
    x = drop(x, after_pooling, "dropout1")
    x = layers.Flatten(name="flatten")(x)
    x = unit.dense(x, 500, name="dense1")
    x = drop(x, after_dense, "dropout2")
    return keras.Model(
        images, classify(x, classes, initializer=initializer, reg=reg, end=end), name=name
    )
