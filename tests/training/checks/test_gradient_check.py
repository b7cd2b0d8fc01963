"""Gradients against finite differences: right ones pass, wrong ones are found."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from sightkit import zoo
from sightkit.training import preflight


class Halved(keras.layers.Layer):
    """Half of its input, with the gradient of all of it."""

    def call(self, x):
        return x - keras.ops.stop_gradient(0.5 * x)


def network(*, wrong):
    model = zoo.MLP((6, 6, 1), 3, hidden=(8,), normalization="batch", activation="tanh")
    if wrong:
        hidden = Halved()(model.get_layer("dense1").output)
        outputs = keras.layers.Dense(3, activation="softmax")(hidden)
        model = keras.Model(model.inputs[0], outputs)
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


@pytest.mark.parametrize("wrong", (False, True))
def test_preflight_full_finds_a_gradient_of_another_loss(wrong, rng):
    data = (rng.random((40, 6, 6, 1), np.float32), np.arange(40) % 3)
    model = network(wrong=wrong)
    before = model.get_weights()
    found = preflight(model, data, full=True, seconds=0)["differences"]
    assert (found.verdict == "failed") == wrong
    assert ("not that of the loss" in found.found) == wrong
    for kept, now in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(kept, now)


def test_without_full_no_differences_are_taken(rng):
    data = (rng.random((40, 6, 6, 1), np.float32), np.arange(40) % 3)
    names = [line.name for line in preflight(network(wrong=False), data, seconds=0).lines]
    assert "differences" not in names
