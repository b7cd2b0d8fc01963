"""LeNet-5, close to the paper."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from sightkit.zoo.arguments import one_of, smallest_input
from sightkit.zoo.classifier_head import End, classify, image_input
from sightkit.zoo.registry import registered
from sightkit.zoo.unit import Activation, Initializer, Regularization, Unit


@registered
def LeNet5(
    input_shape: Sequence[int],
    classes: int,
    *,
    padding: str = "valid",
    activation: Activation = "tanh",
    initializer: Initializer = "glorot_uniform",
    reg: Regularization = 0.0,
    end: End = "softmax",
    name: str = "lenet5",
) -> keras.Model:
    """Three convolutions, two average poolings, tanh: 61,706 parameters for 32x32x1 → 10.

    ======== =============================== ==================
    layer    kind                            output for 32x32x1
    ======== =============================== ==================
    conv1    6 filters 5x5, ``padding``      28x28x6
    pool1    average 2x2, stride 2           14x14x6
    conv2    16 filters 5x5, valid           10x10x16
    pool2    average 2x2, stride 2           5x5x16
    conv3    120 filters 5x5, valid          1x1x120
    dense1   84                              84
    logits   classes                         classes
    ======== =============================== ==================

    Args:
        input_shape: (height, width, channels), at least 32x32; 28x28 with ``padding="same"``.
        classes: number of classes.
        padding: of the first convolution: ``"valid"`` for 32x32, ``"same"`` for MNIST's 28x28.
        activation, initializer, reg: see ``unit.Unit``.
        end: what it ends in, see ``classifier_head.End``.
        name: name of the model.

    Returns:
        Uncompiled model: float32 (N, H, W, C), scaled to [0, 1], to float32 (N, classes)
        probabilities.

    Raises:
        SightkitError: shape, padding or number of classes out of range.

    Reference:
        LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition",
        1998. Differs on purpose: every map of conv2 sees all of pool1 (the paper's table I leaves
        some out), poolings have no weights, softmax instead of radial basis functions.

    Example:
        >>> LeNet5((32, 32, 1), 10).count_params()
        61706
    """
    one_of(("valid", "same"), padding=padding)
    windows = [(5, 1, padding), (2, 2, "valid"), (5, 1, "valid"), (2, 2, "valid"), (5, 1, "valid")]
    unit = Unit(activation, initializer=initializer, reg=reg)
    images = image_input(input_shape, classes, minimum=smallest_input(windows), end=end)
    x = unit.convolution(images, 6, 5, padding=padding, name="conv1")
    x = layers.AveragePooling2D(2, strides=2, name="pool1")(x)
    x = unit.convolution(x, 16, 5, padding="valid", name="conv2")
    x = layers.AveragePooling2D(2, strides=2, name="pool2")(x)
    x = unit.convolution(x, 120, 5, padding="valid", name="conv3")
    x = layers.Flatten(name="flatten")(x)
    x = unit.dense(x, 84, name="dense1")
    return keras.Model(
        images, classify(x, classes, initializer=initializer, reg=reg, end=end), name=name
    )
