"""The batch normalization of every network here.

The class is named exactly as Keras' own, because weight files are keyed by the class name: a file
written with either layer loads into the other.
"""

from __future__ import annotations

import keras


@keras.saving.register_keras_serializable(package="sightkit")
class BatchNormalization(keras.layers.BatchNormalization):
    """Keras' layer, same arguments, weights and mathematics; the one place to make it fast."""
