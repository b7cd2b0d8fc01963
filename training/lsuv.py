"""Layer-sequential unit-variance initialization: weights that fit the data they will see."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np

from sightkit._errors import SightkitError

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
        network: functional, before training; layers inside layers are not initialized.
        images: one batch as the network takes it, float32 (N, H, W, C); some dozens.
        seed: of the orthonormal kernels.
        tolerance: of the variance.
        rounds: of scaling a layer at most.

    Returns:
        Variance of each layer's outputs by its name.

    Raises:
        SightkitError: a network without such layers, one that shares them or holds them inside
            other networks, a layer whose outputs are all equal, or no tolerance.

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
    for number, layer in enumerate(_layers(network)):
        orthogonal = keras.initializers.Orthogonal(seed=seed + number)
        layer.kernel.assign(orthogonal(layer.kernel.shape))
        inputs = keras.Model(network.input, layer.input)(images, training=False)
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


def _layers(network: keras.Model) -> list[Any]:
    nested = [layer.name for layer in network.layers if isinstance(layer, keras.Model)]
    found = [layer for layer in network.layers if isinstance(layer, KINDS)]
    shared = [layer.name for layer in found if len(layer._inbound_nodes) != 1]
    if nested or shared or not found:
        raise SightkitError(
            "LSUV needs a functional network whose dense and convolutional layers are used once.",
            "Use it on the networks of the zoo, or choose another initializer.",
            layers=len(found),
            nested=nested[:3],
            shared=shared[:3],
        )
    return found


def _variance(layer: Any, inputs: Any) -> float:
    """Return the variance of the layer's outputs before its activation."""
    activation, layer.activation = layer.activation, None
    try:
        outputs = keras.ops.convert_to_numpy(layer(inputs))
    finally:
        layer.activation = activation
    return float(np.var(outputs, dtype=np.float64))
