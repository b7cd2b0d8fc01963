"""Layers and precision of any Keras network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


def flat_layers(network: keras.Model) -> Iterator[keras.layers.Layer]:
    """Yield the layers of a network in order, those of nested networks in their place."""
    import keras

    for layer in network.layers:
        if isinstance(layer, keras.Model):
            yield from flat_layers(layer)
        else:
            yield layer


def precision_of(network: keras.Model) -> str:
    """Return a network's precision: float32 if all layers compute in it, else the first other."""
    computed = (layer.compute_dtype for layer in flat_layers(network))
    return next((dtype for dtype in computed if dtype != "float32"), "float32")
