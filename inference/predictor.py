"""Batches in, arrays out."""

from __future__ import annotations

import keras
import numpy as np


class Predictor:
    """Call it with preprocessed images; made by ``compile``.

    Attributes:
        network: the Keras model that answers.
        batch_size: images that go through the network at once; bounds the memory.
    """

    def __init__(self, network: keras.Model, batch_size: int) -> None:
        self.network = network
        self.batch_size = batch_size

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Predict.

        Args:
            images: (N, H, W, C), float32, preprocessed; any N.

        Returns:
            float32 (N, K): what the network gives, in inference mode.
        """
        outputs = [
            np.asarray(
                self.network.predict_on_batch(images[start : start + self.batch_size]), np.float32
            )
            for start in range(0, len(images), self.batch_size)
        ]
        if not outputs:
            return np.zeros((0, *self.network.output_shape[1:]), np.float32)
        return np.concatenate(outputs)


def compile(model: keras.Model, *, batch_size: int = 256) -> Predictor:  # noqa: A001
    """Make a predictor of a network.

    Args:
        model: any Keras model with one input and one output.
        batch_size: images that go through the network at once.

    Returns:
        A callable: (N, H, W, C) float32 to (N, K) float32.
    """
    return Predictor(model, batch_size)
