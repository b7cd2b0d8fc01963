"""A network as Keras alone would have it: its own batch normalization, compiled by its defaults."""

from __future__ import annotations

from typing import Any

import keras

from sightkit.zoo.batch_normalization import BatchNormalization


def plain_keras(network: keras.Model, *, dropout: bool = True) -> keras.Model:
    """The same layers and weights, with Keras' batch normalization for ours."""
    return _copy(network, {BatchNormalization: keras.layers.BatchNormalization}, dropout)


def without_dropout(network: keras.Model) -> keras.Model:
    """The same network, in which nothing is dropped: two such can be compared step by step."""
    return _copy(network, {}, dropout=False)


def _copy(network: keras.Model, replaced: dict[type, type], dropout: bool) -> keras.Model:
    def layer_of(layer: keras.layers.Layer) -> keras.layers.Layer:
        config: dict[str, Any] = layer.get_config()
        if not dropout and isinstance(layer, keras.layers.Dropout):
            config["rate"] = 0.0
        return replaced.get(type(layer), type(layer)).from_config(config)

    copy = keras.models.clone_model(network, clone_function=layer_of)
    copy.set_weights(network.get_weights())
    return copy
