"""After how many images an engine has regained what making it costs.

Measured by ``benchmarks/break_even.py`` (two cores, AMD with AVX512_BF16; CPU seconds, float32;
OpenVINO 2026.4 against the zoo's network in Keras) and written down, so that which engine answers
never depends on how busy a machine is.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sightkit._network import flat_layers

if TYPE_CHECKING:
    import keras

START, START_LAYER, START_WEIGHT = 0.5, 0.012, 5e-8
"""Seconds to convert and compile a network: at least, for each layer, for each weight. Measured and
by this rule: LeNet 0.6 and 0.7, MobileNetV2-0.35 2.4 and 2.5, ResNet50 4.2 and 3.9."""
GAIN = 5e-10
"""Seconds saved for each number that batch normalization gives, since its going is what is saved:
0.18 to 1.35 ns in twelve networks, nothing in AlexNet (docs/measurements.md)."""
UNKNOWN_SIDE = 224


def break_even(network: keras.Model) -> float:
    """Return the images from which on an engine pays; infinite where it would save nothing.

    A function of the network alone.
    """
    saved = saved_seconds(network)
    return math.ceil(start_seconds(network) / saved) if saved else math.inf


def start_seconds(network: keras.Model) -> float:
    """Return the CPU seconds of converting and compiling a network."""
    return (
        START
        + START_LAYER * len(list(flat_layers(network)))
        + START_WEIGHT * network.count_params()
    )


def saved_seconds(network: keras.Model) -> float:
    """Return the CPU seconds saved with each image; 0 without batch normalization."""
    import keras

    normalized = sum(
        math.prod(side or UNKNOWN_SIDE for side in layer.output.shape[1:])
        for layer in flat_layers(network)
        if isinstance(layer, keras.layers.BatchNormalization) and hasattr(layer, "output")
    )
    return GAIN * normalized
