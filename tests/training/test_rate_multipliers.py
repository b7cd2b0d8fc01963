from __future__ import annotations

import keras
import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.training import with_gradient_noise, with_rate_multipliers, with_weight_average


def steps_of(optimizer):
    """What one step subtracts from each weight of a network, by the weight's path."""
    keras.utils.set_random_seed(0)
    images = keras.Input((3,))
    x = keras.layers.BatchNormalization(name="norm")(keras.layers.Dense(4, name="dense")(images))
    model = keras.Model(images, keras.layers.Dense(2, activation="softmax", name="end")(x))
    model.compile(optimizer, "sparse_categorical_crossentropy", jit_compile=False)
    before = {w.path: keras.ops.convert_to_numpy(w.value) for w in model.trainable_weights}
    x = np.random.default_rng(0).random((8, 3), np.float32)
    model.train_on_batch(x, np.arange(8) % 2)
    after = {w.path: keras.ops.convert_to_numpy(w.value) for w in model.trainable_weights}
    return {path: before[path] - after[path] for path in before}


@pytest.mark.parametrize("options", ({}, {"momentum": 0.9, "nesterov": True}))
def test_only_the_named_weights_take_other_steps(options):
    plain = steps_of(keras.optimizers.SGD(0.1, **options))
    found = steps_of(with_rate_multipliers(keras.optimizers.SGD, {"beta": 64})(0.1, **options))
    assert list(plain) == list(found) and np.abs(plain["norm/beta"]).max() > 1e-4
    for path, step in plain.items():
        factor = 64 if path == "norm/beta" else 1
        np.testing.assert_allclose(found[path], factor * step, rtol=1e-3, atol=1e-7)


def test_it_goes_with_noise_and_averages():
    made = with_rate_multipliers(keras.optimizers.SGD, {"beta": 8})
    optimizer = with_weight_average(with_gradient_noise(made, eta=0.0))(0.1)
    plain = steps_of(keras.optimizers.SGD(0.1))
    found = steps_of(optimizer)
    np.testing.assert_allclose(found["norm/beta"], 8 * plain["norm/beta"], rtol=1e-3)


@pytest.mark.parametrize("factor", (0.0, -1.0))
def test_a_factor_that_is_not_above_zero_is_refused(factor):
    with pytest.raises(SightkitError, match="above 0"):
        with_rate_multipliers(keras.optimizers.SGD, {"beta": factor})
    with pytest.raises(SightkitError, match="class of an optimizer"):
        with_rate_multipliers(keras.optimizers.SGD(0.1), {"beta": 2.0})
