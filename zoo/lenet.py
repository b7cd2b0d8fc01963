"""LeNet, as the practitioners' books build it (20-50-500)."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from sightkit.zoo.arguments import smallest_input
from sightkit.zoo.classifier_head import End, classify, image_input
from sightkit.zoo.registry import registered
from sightkit.zoo.unit import Activation, Initializer, Regularization, Unit


@registered
def LeNet(
    input_shape: Sequence[int],
    classes: int,
    *,
    activation: Activation = "relu",
    initializer: Initializer = "glorot_uniform",
    reg: Regularization = 0.0,
    end: End = "softmax",
    name: str = "lenet",
) -> keras.Model:
    """Two convolutions, two poolings, two dense layers: 1,256,080 parameters for 28x28x1 → 10.

    ======== ============================ =====================
    layer    kind                         output for 28x28x1
    ======== ============================ =====================
    conv1    20 filters 5x5, same         28x28x20
    pool1    maximum 2x2, stride 2        14x14x20
    conv2    50 filters 5x5, same         14x14x50
    pool2    maximum 2x2, stride 2        7x7x50
    dense1   500                          500
    logits   classes                      classes
    ======== ============================ =====================

    Args:
        input_shape: (height, width, channels), channels-last, at least 4x4.
        classes: number of classes.
        activation, initializer, reg: see ``unit.Unit``; ``activation="tanh"`` is the paper's.
        end: what it ends in, see ``classifier_head.End``.
        name: name of the model.

    Returns:
        Uncompiled model: float32 (N, H, W, C), scaled to [0, 1], to float32 (N, classes)
        probabilities.

    Raises:
        SightkitError: shape or number of classes out of range.

    Reference:
        LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition",
        1998. Differs on purpose from the paper's LeNet-5: 20 and 50 filters, maximum pooling,
        ReLU, one hidden dense layer of 500 (the form that Caffe and the books made common).

    Example:
        >>> LeNet((28, 28, 1), 10).count_params()
        1256080
    """
    unit = Unit(activation, initializer=initializer, reg=reg)
    images = image_input(
        input_shape, classes, minimum=smallest_input([(2, 2, "valid")] * 2), end=end
    )
    x = images
    for block, filters in enumerate((20, 50), start=1):
        x = unit.convolution(x, filters, 5, name=f"conv{block}")
        x = layers.MaxPooling2D(2, strides=2, name=f"pool{block}")(x)
    x = layers.Flatten(name="flatten")(x)
    x = unit.dense(x, 500, name="dense1")
    return keras.Model(
        images, classify(x, classes, initializer=initializer, reg=reg, end=end), name=name
    )
