"""After how many images an engine has brought back what starting it cost.

Measured once, on two cores (AMD, AVX512_BF16; CPU seconds, float32, OpenVINO 2026.4 against the
zoo's networks in Keras), over sixteen networks from LeNet to ResNet50, and written down here, so
that what answers never depends on the machine's mood.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import keras

START, START_LAYER, START_WEIGHT = 0.5, 0.012, 5e-8
"""Seconds to convert and compile a network: at least, and for each of its layers and weights.
LeNet 0.6, MobileNetV2-0.35 2.4, a ResNet of 281 layers 3.6, AlexNet's 58 million weights 3.7."""
GAIN = 4e-10
"""Seconds saved for each number that batch normalization gives. What makes an engine faster is that
batch normalization is gone: from MiniVGGNet to MobileNetV2 0.35 to 0.5 ns for each such number.
Without any (LeNet, SqueezeNet, GoogLeNet) the two were within 0 to 7 % of each other."""
UNKNOWN_SIDE = 224


def turning_point(network: keras.Model, precision: str) -> float:
    """Images after which an engine is started; infinite where it would bring nothing.

    A function of the network alone. bfloat16 starts with the first image: it was asked for by name.
    """
    if precision != "float32":
        return 1
    layers = list(_layers(network))
    normalized = sum(
        math.prod(side or UNKNOWN_SIDE for side in layer.output.shape[1:])
        for layer in layers
        if isinstance(layer, keras.layers.BatchNormalization) and hasattr(layer, "output")
    )
    if not normalized:
        return math.inf
    start = START + START_LAYER * len(layers) + START_WEIGHT * network.count_params()
    return math.ceil(start / (GAIN * normalized))


def _layers(network: keras.Model) -> Iterator[keras.Layer]:
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            yield from _layers(layer)
        else:
            yield layer
