"""Find ReLUs that never fire."""

from __future__ import annotations

import keras
import numpy as np


class DeadUnits:
    """Count the channels whose ReLU is zero for all images of a probe, at every place.

    Covers the layers of a functional network with a ReLU as their activation, and ReLU layers that
    are not leaky.

    Args:
        model: functional; others, and layers inside a nested network, have no ReLUs to be seen.

    Attributes:
        layers: names of the layers that are covered.
    """

    def __init__(self, model: keras.Model) -> None:
        found = {
            layer.name: layer
            for layer in getattr(model, "layers", ())
            if _is_relu(layer) and len(getattr(layer, "_inbound_nodes", ())) == 1
        }
        self.layers = tuple(found) if getattr(model, "inputs", None) else ()
        self._probe = (
            # Reduced inside the network: all activations at once would not fit into memory.
            keras.Model(model.input, [_fires(found[name].output) for name in self.layers])
            if self.layers
            else None
        )

    def shares(
        self, images: np.ndarray, *, batch: int = 0, training: bool = False
    ) -> dict[str, float]:
        """Return the share of dead units by layer, 0 to 1; nothing of the network changes.

        Args:
            images: (n, …).
            batch: images at once, whole batches only; all by default.
            training: True for batch statistics and dropout.
        """
        if self._probe is None:
            return {}
        batch = batch or len(images)
        starts = range(0, len(images) - batch + 1, batch)
        with keras.StatelessScope():
            fires = [self._probe(images[at : at + batch], training=training) for at in starts]
        shares = {}
        for name, *each in zip(self.layers, *map(keras.tree.flatten, fires), strict=True):
            alive = np.any([keras.ops.convert_to_numpy(found) for found in each], axis=0)
            shares[name] = 1.0 - float(alive.mean())
        return shares


def _fires(output: keras.KerasTensor) -> keras.KerasTensor:
    return keras.ops.any(output > 0, axis=tuple(range(len(output.shape) - 1)))


def _is_relu(layer: keras.Layer) -> bool:
    if isinstance(layer, keras.layers.ReLU):
        return not layer.negative_slope
    activation = getattr(layer, "activation", None)
    return activation in (keras.activations.relu, keras.activations.relu6)
