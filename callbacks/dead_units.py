"""Find ReLUs that never fire."""

from __future__ import annotations

from collections import Counter
from typing import Any

import keras
import numpy as np

from sightkit._network import flat_layers, watching


def dead_units(
    network: keras.Model, images: np.ndarray, *, batch_size: int = 32, training: bool = False
) -> dict[str, float]:
    """Return for each layer with a ReLU the share of channels (units) that no image wakes.

    Covers layers with a ReLU as their activation and ReLU layers that are not leaky, in networks
    of any form, at any depth. A ReLU that is no layer (``keras.ops.relu``) is not seen.

    Args:
        network: of one input.
        images: (n, …), as the network takes them.
        batch_size: images at once.
        training: whether batch normalization uses the statistics of the batch. No variable is
            changed either way.

    Returns:
        Layer's name to share, 0 to 1, in the order of the network.
    """
    layers = [layer for layer in flat_layers(network) if _is_relu(layer)]
    fired: dict[int, np.ndarray] = {}

    def see(layer: keras.layers.Layer, inputs: Any, outputs: Any) -> None:
        # Reduced at once: all activations would not fit into memory.
        awake = keras.ops.any(outputs > 0, axis=tuple(range(len(outputs.shape) - 1)))
        found = keras.ops.convert_to_numpy(awake)
        fired[id(layer)] = fired.get(id(layer), np.False_) | found

    with watching(layers, see), keras.StatelessScope():
        for start in range(0, len(images), batch_size) if layers else ():
            network(images[start : start + batch_size], training=training)
    names = Counter(layer.name for layer in layers)
    return {
        layer.name if names[layer.name] == 1 else layer.path: 1 - float(fired[id(layer)].mean())
        for layer in layers
        if id(layer) in fired
    }


def _is_relu(layer: keras.layers.Layer) -> bool:
    if isinstance(layer, keras.layers.ReLU):
        return not layer.negative_slope
    activation = getattr(layer, "activation", None)
    return activation in (keras.activations.relu, keras.activations.relu6)
