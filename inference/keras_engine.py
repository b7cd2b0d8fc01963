"""A Keras network as an engine."""

from __future__ import annotations

import threading

import keras
import numpy as np


class KerasEngine:
    """Call it with (N, H, W, C); Keras itself, or the folded copy of a network.

    Args:
        network: with one input and one output.
        batch_size: images that go through it at once.
        name: what the predictor's ``engine`` says.
    """

    at_once = 1

    def __init__(self, network: keras.Model, batch_size: int, name: str = "keras") -> None:
        self.network = network
        self.batch_size = batch_size
        self.name = name
        # Keras keeps the state of a prediction on the model, so one thread at a time.
        self._lock = threading.Lock()

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """(N, H, W, C) to float32 (N, K), N at least 1; batch by batch."""
        outputs = np.empty(0, np.float32)
        for start in range(0, len(images), self.batch_size):
            with self._lock:
                part = self.network.predict_on_batch(images[start : start + self.batch_size])
            part = np.asarray(part, np.float32)
            if start == 0:
                outputs = np.empty((len(images), *part.shape[1:]), np.float32)
            outputs[start : start + len(part)] = part
        return outputs
