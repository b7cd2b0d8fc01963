"""SqueezeNet 1.0 and 1.1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras
from keras import layers

from sightkit.zoo.arguments import drop_rates, one_of, smallest_input
from sightkit.zoo.classifier_head import End, drop, image_input, outputs_of, probabilities
from sightkit.zoo.registry import registered
from sightkit.zoo.unit import Activation, Initializer, Regularization, Unit

# Filters and kernel of conv1, and the layers that a pooling follows.
VERSIONS = {
    "1.0": (96, 7, ("conv1", "fire4", "fire8")),
    "1.1": (64, 3, ("conv1", "fire3", "fire5")),
}
# squeezing and expanding filters of fire2 … fire9
FIRES = ((16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256))


@registered
def SqueezeNet(
    input_shape: Sequence[int],
    classes: int,
    *,
    version: str = "1.1",
    include_top: bool = True,
    activation: Activation = "relu",
    initializer: Initializer = "glorot_uniform",
    reg: Regularization = 0.0,
    dropout: float = 0.5,
    end: End = "softmax",
    name: str = "squeezenet",
) -> keras.Model:
    """Fire modules: 1,235,496 parameters (1.1, 224x224x3 → 1000), 1,248,424 (1.0, 227x227x3).

    ============ ========================================= ====================
    layer        kind (version 1.1)                        output for 224x224x3
    ============ ========================================= ====================
    conv1        64 filters 3x3, stride 2, valid           111x111x64
    pool1        maximum 3x3, stride 2                     55x55x64
    fire2, 3     squeeze 16, expand 64 1x1 + 64 3x3        55x55x128
    pool3        maximum 3x3, stride 2                     27x27x128
    fire4, 5     32, 128 + 128                             27x27x256
    pool5        maximum 3x3, stride 2                     13x13x256
    fire6, 7     48, 192 + 192                             13x13x384
    fire8, 9     64, 256 + 256                             13x13x512
    dropout      0.5
    conv10       classes filters 1x1, ReLU                 13x13xclasses
    logits       average over the map                      classes
    ============ ========================================= ====================

    Version 1.0 starts with 96 filters 7x7 and pools after conv1, fire4 and fire8.

    Args:
        input_shape: (height, width, channels), at least 31x31 (1.1) or 35x35 (1.0).
        classes: number of classes.
        version: ``"1.1"`` or ``"1.0"``.
        include_top: False ends with ``fire9``, for network surgery.
        activation, initializer, reg: see ``unit.Unit``.
        dropout: share dropped before conv10.
        end: what it ends in, see ``classifier_head.End``.
        name: name of the model.

    Returns:
        Uncompiled model: float32 (N, H, W, C) to float32 (N, classes) probabilities. The published
        weights expect BGR minus the ImageNet mean.

    Raises:
        SightkitError: an argument out of range.

    Reference:
        Iandola et al., "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters", 2016, and
        the authors' release of 1.1. ``logits`` is no dense layer here: the paper averages the
        last convolution, after its ReLU. Poolings are "valid"; Caffe's round up, which is the
        same at 227 (1.0) and 224 (1.1).

    Example:
        >>> SqueezeNet((224, 224, 3), 1000).count_params()
        1235496
    """
    one_of(VERSIONS, version=version)
    filters, kernel, pooled = VERSIONS[version]
    windows = [(kernel, 2, "valid"), *[(3, 2, "valid")] * len(pooled)]
    (rate,) = drop_rates(dropout, 1)
    unit = Unit(activation, initializer=initializer, reg=reg)

    images = image_input(input_shape, classes, minimum=smallest_input(windows), end=end)
    x = unit.convolution(images, filters, kernel, strides=2, padding="valid", name="conv1")
    x = _pool(x, pooled, "conv1")
    for number, (squeeze, expand) in enumerate(FIRES, start=2):
        x = _fire(x, unit, squeeze, expand, f"fire{number}")
        x = _pool(x, pooled, f"fire{number}")
    if not include_top:
        return keras.Model(images, x, name=name)
    x = drop(x, rate, "dropout")
    last = unit if end == "softmax" else replace(unit, activation=None)  # a ReLU has no answer < 0
    x = last.convolution(x, outputs_of(classes, end), 1, name="conv10")
    x = layers.GlobalAveragePooling2D(name="logits")(x)
    return keras.Model(images, probabilities(x, end=end), name=name)


def _fire(x: Any, unit: Unit, squeeze: int, expand: int, name: str) -> Any:
    x = unit.convolution(x, squeeze, 1, name=f"{name}_squeeze1x1")
    ones = unit.convolution(x, expand, 1, name=f"{name}_expand1x1")
    threes = unit.convolution(x, expand, 3, name=f"{name}_expand3x3")
    return layers.Concatenate(name=name)([ones, threes])


def _pool(x: Any, pooled: Sequence[str], after: str) -> Any:
    if after not in pooled:
        return x
    number = after.removeprefix("conv").removeprefix("fire")
    return layers.MaxPooling2D(3, strides=2, name=f"pool{number}")(x)
