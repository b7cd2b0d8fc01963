"""A Keras network as an engine."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np

from sightkit.inference.predictor import Predictor

if TYPE_CHECKING:
    import keras


class KerasEngine(Predictor):
    """Keras itself, with the network's present weights; or, by another name, a folded copy.

    Args:
        network: with one input and one output.
        batch_size: images that go through it at once.
        precision: what it computes in.
        engine: its name.
    """

    def __init__(
        self, network: keras.Model, batch_size: int, precision: str, engine: str = "keras"
    ) -> None:
        shape = tuple(network.inputs[0].shape) if getattr(network, "inputs", None) else None
        super().__init__(network.name, precision, batch_size, shape, network.output_shape)
        self.engine = engine
        self._network = network
        # Keras keeps the state of a prediction on the model, so one thread at a time.
        self._lock = threading.Lock()

    def _answer(self, images: np.ndarray) -> np.ndarray:
        outputs = np.empty(0, np.float32)
        for start in range(0, len(images), self.batch_size):
            with self._lock:
                part = self._network.predict_on_batch(images[start : start + self.batch_size])
            part = np.asarray(part, np.float32)
            if start == 0:
                outputs = np.empty((len(images), *part.shape[1:]), np.float32)
            outputs[start : start + len(part)] = part
        return outputs
