"""Poolings undone: a bed of nails, and max-unpooling with remembered places."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers, ops

Shape = tuple[int | None, ...]


@keras.saving.register_keras_serializable(package="sightkit")
class Unpooling2D(layers.Layer):
    """Double height and width: each value in one place of its window of 2x2, zeros elsewhere.

    Of values alone, (N, H, W, C), a bed of nails: the place is the upper left corner. Of values and
    the maps that a ``MaxPooling2D(2)`` had, (N, 2H, 2W, C), max-unpooling: the place is where the
    maximum was, the first of equal ones. (``UpSampling2D`` is the nearest neighbour.)

    Reference:
        Zeiler, Fergus, "Visualizing and understanding convolutional networks", 2013, section 2.1;
        CS231n, "Detection and segmentation".
    """

    def call(self, inputs: Any) -> Any:
        """float (N, H, W, C), or these and (N, 2H, 2W, C), to float (N, 2H, 2W, C)."""
        values, pooled = inputs if isinstance(inputs, (list, tuple)) else (inputs, None)
        height, width, channels = values.shape[1:]
        if pooled is None:
            place = ops.zeros_like(values, "int32")
        else:
            windows = ops.reshape(pooled, (-1, height, 2, width, 2, channels))
            windows = ops.transpose(windows, (0, 1, 3, 5, 2, 4))
            place = ops.argmax(ops.reshape(windows, (-1, height, width, channels, 4)), axis=-1)
        nails = ops.one_hot(place, 4, dtype=values.dtype) * ops.expand_dims(values, -1)
        nails = ops.reshape(nails, (-1, height, width, channels, 2, 2))
        nails = ops.transpose(nails, (0, 1, 4, 2, 5, 3))
        return ops.reshape(nails, (-1, 2 * height, 2 * width, channels))

    def compute_output_shape(self, input_shape: Shape | Sequence[Shape]) -> Shape:
        """Height and width double."""
        first: Any = input_shape[0] if isinstance(input_shape[0], Sequence) else input_shape
        batch, height, width, channels = first
        return batch, 2 * height, 2 * width, channels
