"""ShallowNet: the smallest convolutional network there is."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from sightkit.zoo.classifier_head import End, classify, image_input
from sightkit.zoo.registry import registered
from sightkit.zoo.unit import Activation, Initializer, Regularization, Unit


@registered
def ShallowNet(
    input_shape: Sequence[int],
    classes: int,
    *,
    activation: Activation = "relu",
    initializer: Initializer = "glorot_uniform",
    reg: Regularization = 0.0,
    end: End = "softmax",
    name: str = "shallownet",
) -> keras.Model:
    """One convolution and a classifier: 99,203 parameters for 32x32x3 → 3, 328,586 for → 10.

    ======== ====================== ==================
    layer    kind                   output for 32x32x3
    ======== ====================== ==================
    conv1    32 filters 3x3, same   32x32x32
    logits   classes                classes
    ======== ====================== ==================

    Args:
        input_shape: (height, width, channels), any size.
        classes: number of classes.
        activation, initializer, reg: see ``unit.Unit``.
        end: what it ends in, see ``classifier_head.End``.
        name: name of the model.

    Returns:
        Uncompiled model: float32 (N, H, W, C), scaled to [0, 1], to float32 (N, classes)
        probabilities.

    Raises:
        SightkitError: shape or number of classes out of range.

    Reference:
        Rosebrock, "Deep Learning for Computer Vision with Python", starter bundle, chapter 12.

    Example:
        >>> ShallowNet((32, 32, 3), 10).count_params()
        328586
    """
    unit = Unit(activation, initializer=initializer, reg=reg)
    images = image_input(input_shape, classes, end=end)
    x = unit.convolution(images, 32, 3, name="conv1")
    x = layers.Flatten(name="flatten")(x)
    return keras.Model(
        images, classify(x, classes, initializer=initializer, reg=reg, end=end), name=name
    )
