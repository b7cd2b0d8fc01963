"""CifarNet, the network of the fastest published trainings on CIFAR-10."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import keras
from keras import layers

from sightkit._errors import SightkitError
from sightkit.zoo.activations import activate, pieces
from sightkit.zoo.arguments import sizes
from sightkit.zoo.batch_normalization import SMALLEST_EPSILON
from sightkit.zoo.classifier_head import End, classify, image_input
from sightkit.zoo.registry import registered
from sightkit.zoo.unit import Activation, Initializer, Regularization, Unit

MOMENTUM = 0.6
"""Of the moving statistics: a training has few steps, and they must follow."""


@registered
def CifarNet(
    input_shape: Sequence[int],
    classes: int,
    *,
    filters: Sequence[int] = (64, 256, 256),
    activation: Activation = "relu",
    initializer: Initializer = "dirac",
    reg: Regularization = 0.0,
    end: End = "softmax",
    name: str = "cifarnet",
) -> keras.Model:
    """A whitening convolution, three blocks of two, and a head.

    1,973,930 parameters for 32x32x3 → 10, of which 2,592 are not trained: the whitening's and
    moving statistics.

    ============ ============================================== ==================
    layer        kind                                           output for 32x32x3
    ============ ============================================== ==================
    whitening    2 · 4C filters 2x2, valid, not trained; ReLU   31x31x24
    block1       64 3x3, max 2x2, BN, ReLU; 64 3x3, BN, ReLU    15x15x64
    block2       the same with 256                              7x7x256
    block3       the same with 256                              3x3x256
    pool         maximum of the map                             256
    scale        times 1/9
    logits       classes
    ============ ============================================== ==================

    Convolutions have no bias, batch normalization no scale. ``training.initialize_whitening``
    gives the first layer its weights.

    Args:
        input_shape: (height, width, channels), at least 9x9.
        classes: number of classes.
        filters: of each block.
        activation, reg: see ``unit.Unit``; any activation but ``"maxout"``.
        initializer: of the blocks; ``"dirac"`` begins with the identity.
        end: what it ends in, see ``classifier_head.End``.
        name: name of the model.

    Returns:
        Uncompiled model: float32 (N, H, W, C) to float32 (N, classes) probabilities.

    Raises:
        SightkitError: an argument out of range.

    Reference:
        Jordan, "94% on CIFAR-10 in 3.29 seconds on a single GPU", 2024 (arXiv:2404.00498). There it
        is GELU, which costs a CPU as much as the convolutions; the whitening has biases, trained
        for three epochs; and the head has none.

    Example:
        >>> CifarNet((32, 32, 3), 10).count_params()
        1973930
    """
    sizes(filters=filters)
    if pieces(activation) != 1:
        raise SightkitError(
            "CifarNet activates the whitened image, whose channels maxout would lessen.",
            "Choose another activation.",
            activation=activation,
        )
    images = image_input(input_shape, classes, minimum=1 + 2 ** len(filters), end=end)
    whitening = layers.Conv2D(
        8 * images.shape[-1], 2, use_bias=False, trainable=False, name="whitening"
    )
    x = activate(whitening(images), activation, "whitening_activation")
    unit = Unit(
        activation,
        "batch",
        norm_before_activation=True,
        initializer=initializer,
        reg=reg,
        use_bias=False,
        epsilon=SMALLEST_EPSILON,
        momentum=MOMENTUM,
        scale=False,
    )
    bare = replace(unit, activation=None, normalization=None)
    for block, width in enumerate(filters, start=1):
        x = bare.convolution(x, width, 3, name=f"block{block}_conv1")
        x = layers.MaxPooling2D(2, strides=2, name=f"block{block}_pool")(x)
        x = unit.finish(x, f"block{block}_conv1")
        x = unit.convolution(x, width, 3, name=f"block{block}_conv2")
    x = layers.GlobalMaxPooling2D(name="pool")(x)
    x = layers.Rescaling(1 / 9, name="scale")(x)
    return keras.Model(images, classify(x, classes, reg=reg, end=end), name=name)
