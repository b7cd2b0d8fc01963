"""Layer-sequential unit-variance initialization: weights that fit the data they will see."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np

from sightkit._errors import SightkitError
from sightkit._network import build, flat_layers, watching

KINDS = (keras.layers.Dense, keras.layers.Conv2D)


def initialize_lsuv(
    network: keras.Model,
    images: np.ndarray,
    *,
    seed: int = 0,
    tolerance: float = 0.1,
    rounds: int = 10,
) -> dict[str, float]:
    """Give every dense and convolutional layer orthonormal weights, scaled by data.

    From the first layer to the last, the kernel is divided by the standard deviation of what the
    layer gives for ``images``, before its activation, until the variance is 1 within the
    tolerance. The former kernels are gone; biases and all other weights stay. The same arguments
    give the same weights. Dropout is off, and batch normalization uses the statistics it has.

    Args:
        network: of any form, before training.
        images: one batch as the network takes it, float32 (N, H, W, C); some dozens.
        seed: of the orthonormal kernels.
        tolerance: of the variance.
        rounds: of scaling a layer at most.

    Returns:
        Variance of each layer's outputs by its name.

    Raises:
        SightkitError: a network without such layers, or one that uses one twice; a layer whose
            outputs are all equal, or no tolerance.

    Reference:
        Mishkin and Matas, "All you need is a good init", ICLR 2016, arXiv:1511.06422.
    """
    if not (tolerance > 0 and rounds >= 1 and seed >= 0):
        raise SightkitError(
            "LSUV needs tolerance > 0, rounds >= 1 and seed >= 0.",
            tolerance=tolerance,
            rounds=rounds,
            seed=seed,
        )
    variances = {}
    for number, layer in enumerate(_layers(network, images)):
        orthogonal = keras.initializers.Orthogonal(seed=seed + number)
        layer.kernel.assign(orthogonal(layer.kernel.shape))
        inputs = _inputs(network, layer, images)
        for _ in range(rounds):
            variance = _variance(layer, inputs)
            if abs(variance - 1) <= tolerance:
                break
            if not (math.isfinite(variance) and variance > 0):
                raise SightkitError(
                    "The outputs of a layer must differ from each other.",
                    "Give more images, as the network takes them; check for constant layers.",
                    layer=layer.name,
                    variance=variance,
                )
            kernel = keras.ops.convert_to_numpy(layer.kernel.value)
            layer.kernel.assign(kernel / np.float32(math.sqrt(variance)))
        variances[layer.name] = _variance(layer, inputs)
    return variances


def _layers(network: keras.Model, images: np.ndarray) -> list[Any]:
    """Return the layers in the order in which they are used."""
    build(network, images)
    called: list[Any] = []
    with watching(_kinds(network), lambda layer, inputs, outputs: called.append(layer)):
        network(images[:1], training=False)
    shared = [layer.name for layer in dict.fromkeys(called) if called.count(layer) > 1]
    if shared or not called:
        raise SightkitError(
            "LSUV needs a network whose dense and convolutional layers are used once.",
            "Use it on the networks of the zoo, or choose another initializer.",
            layers=len(called),
            shared=shared[:3],
        )
    return called


def _kinds(network: keras.Model) -> list[Any]:
    return [layer for layer in flat_layers(network) if isinstance(layer, KINDS)]


def _inputs(network: keras.Model, layer: Any, images: np.ndarray) -> Any:
    found: list[Any] = []
    with watching([layer], lambda layer, inputs, outputs: found.append(inputs)):
        network(images, training=False)
    return found[0]


def _variance(layer: Any, inputs: Any) -> float:
    """Return the variance of the layer's outputs before its activation."""
    activation, layer.activation = layer.activation, None
    try:
        outputs = keras.ops.convert_to_numpy(layer(inputs))
    finally:
        layer.activation = activation
    return float(np.var(outputs, dtype=np.float64))
