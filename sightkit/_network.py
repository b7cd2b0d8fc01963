"""What is read from any Keras network: its layers, and what it computes in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


def flat_layers(network: keras.Model) -> Iterator[keras.layers.Layer]:
    """The layers of a network in order, those of networks inside it in their place."""
    import keras

    for layer in network.layers:
        if isinstance(layer, keras.Model):
            yield from flat_layers(layer)
        else:
            yield layer


def precision_of(network: keras.Model) -> str:
    """What a network computes in: float32 if all its layers do, else the first other one."""
    computed = (layer.compute_dtype for layer in flat_layers(network))
    return next((dtype for dtype in computed if dtype != "float32"), "float32")
