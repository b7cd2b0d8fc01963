"""Networks with weights as training leaves them, and engines that start at once."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from sightkit.inference import predictor


@pytest.fixture(autouse=True)
def seeded():
    keras.utils.set_random_seed(5)


@pytest.fixture
def at_once(monkeypatch):
    """Engines start with the first image."""
    monkeypatch.setattr(predictor, "turning_point", lambda network, precision: 1)


@pytest.fixture
def shaken():
    """Give a network biases and batch statistics as training does; at first they are 0 and 1."""

    def shake(network, seed=0):
        rng = np.random.default_rng(seed)
        for weight in network.weights:
            if len(weight.shape) == 1:
                values = keras.ops.convert_to_numpy(weight)
                near = values + rng.uniform(-0.4, 0.4, values.shape)
                weight.assign(near.astype("float32"))
        return network

    return shake


@pytest.fixture
def images_for():
    def draw(network, count=5, seed=1):
        shape = (count, *(side or 16 for side in network.input_shape[1:]))
        return np.random.default_rng(seed).random(shape, dtype="float32")

    return draw
