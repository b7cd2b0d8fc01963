"""Networks with weights as training leaves them, and stand-ins for engines."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from sightkit import _scripts
from sightkit.inference import Predictor, engines, openvino_engine


@pytest.fixture(autouse=True)
def seeded():
    keras.utils.set_random_seed(5)


@pytest.fixture
def without_openvino(monkeypatch):
    def absent():
        raise openvino_engine.UnavailableError("OpenVINO is not installed (extra: fast)")

    monkeypatch.setattr(engines, "load_openvino", absent)
    monkeypatch.setattr(_scripts, "warned", set())


@pytest.fixture
def stand_in(monkeypatch):
    """Put an engine of the test's own in OpenVINO's place: Keras' answers, changed."""

    class StandIn(Predictor):
        engine = "openvino"

        def __init__(self, by_keras, change):
            super().__init__("stand-in", by_keras.precision, 256, by_keras.input_shape, (None, 3))
            self.by_keras, self.change = by_keras, change

        def _answer(self, images):
            return self.change(self.by_keras(images), images)

    def put(change, at_once=1):
        def make(network, precision, batch_size, cache):
            made = StandIn(engines.KerasEngine(network, batch_size, precision), change)
            made.at_once = at_once
            return made, lambda: None

        monkeypatch.setitem(engines.MAKERS, "openvino", make)

    return put


@pytest.fixture(scope="session")
def shaken():
    """Weights as training leaves them: at first biases are 0, and some kernels next to nothing."""

    def shake(network, seed=0):
        rng = np.random.default_rng(seed)
        for weight in network.weights:
            values = keras.ops.convert_to_numpy(weight)
            if values.ndim == 1:
                values = values + rng.uniform(-0.4, 0.4, values.shape)
            else:
                depthwise = values.ndim == 4 and values.shape[-1] == 1
                fan_in = np.prod(values.shape[: 2 if depthwise else -1])
                values = rng.normal(size=values.shape) * np.sqrt(2 / fan_in)
            weight.assign(values.astype("float32"))
        calm(network)
        return network

    return shake


def calm(network):
    """Let logits of a deep network be small, else its softmax says 1 whatever it sees."""
    names = [layer.name for layer in network.layers]
    if "logits" in names:
        layer = network.get_layer("logits")
        shape = (8, *(side or 16 for side in network.input_shape[1:]))
        images = np.random.default_rng(2).random(shape, dtype="float32")
        logits = keras.Model(network.inputs, layer.output).predict_on_batch(images)
        spread = np.ptp(logits, axis=0).max()
        if np.abs(logits).max() > 10:
            layer.kernel.assign(layer.kernel / spread)
            if layer.bias is not None:
                layer.bias.assign(layer.bias / spread - logits.mean(axis=0) / spread)


@pytest.fixture(scope="session")
def images_for():
    def draw(network, count=5, seed=1):
        shape = (count, *(side or 16 for side in network.input_shape[1:]))
        return np.random.default_rng(seed).random(shape, dtype="float32")

    return draw
