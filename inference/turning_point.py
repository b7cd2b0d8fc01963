"""After how many images an engine has brought back what starting it cost.

Measured by ``benchmarks/turning_point.py`` (two cores, AMD with AVX512_BF16; CPU seconds, float32;
OpenVINO 2026.4 against the zoo's network in Keras) and written down, so that which engine answers
never depends on how busy a machine is.
"""

from __future__ import annotations

import math

import keras

from sightkit._network import flat_layers

START, START_LAYER, START_WEIGHT = 0.5, 0.012, 5e-8
"""Seconds to convert and compile a network: at least, for each layer, for each weight. Measured and
by this rule: LeNet 0.6 and 0.7, MobileNetV2-0.35 2.4 and 2.5, ResNet50 4.2 and 3.9."""
GAIN = 5e-10
"""Seconds saved for each number that batch normalization gives, since its going is what is saved:
0.36 to 0.72 ns in ten networks from MiniVGGNet to MobileNetV2-1.0, 1.35 in ResNet50, 0.18 in
Inception v3, nothing in AlexNet. Without any, from LeNet to VGG16, Keras and OpenVINO were within
7 % of each other; only an MLP, at 0.03 ms an image, gained 38 %."""
UNKNOWN_SIDE = 224


def turning_point(network: keras.Model, precision: str) -> float:
    """Images after which an engine is started; infinite where it would bring nothing.

    A function of the network alone. bfloat16 starts with the first image: it was asked for by name.
    """
    if precision != "float32":
        return 1
    saved = saved_seconds(network)
    return math.ceil(start_seconds(network) / saved) if saved else math.inf


def start_seconds(network: keras.Model) -> float:
    """What converting and compiling a network takes, of the processor."""
    count = len(list(flat_layers(network)))
    return START + START_LAYER * count + START_WEIGHT * network.count_params()


def saved_seconds(network: keras.Model) -> float:
    """What an engine then saves with each image; 0 without batch normalization."""
    normalized = sum(
        math.prod(side or UNKNOWN_SIDE for side in layer.output.shape[1:])
        for layer in flat_layers(network)
        if isinstance(layer, keras.layers.BatchNormalization) and hasattr(layer, "output")
    )
    return GAIN * normalized
