"""Gradients against finite differences and against what is known, on the backend under test."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from sightkit.training.gradients import differentiate, input_gradients, weight_gradients


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(3)
    inputs = keras.Input((5, 5, 2))
    x = keras.layers.Conv2D(3, 3, activation="tanh", name="conv")(inputs)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.Dropout(0.5, seed=1, name="drop")(x)
    x = keras.layers.Flatten()(x)
    return keras.Model(inputs, keras.layers.Dense(4, activation="softmax", name="out")(x))


@pytest.fixture
def images(rng):
    return rng.random((6, 5, 5, 2), dtype="float32")


def third(outputs):
    return keras.ops.sum(keras.ops.log(outputs[:, 2]))


def everything(model):
    return [keras.ops.convert_to_numpy(v).copy() for v in model.variables]


def test_a_polynomial():
    def cubic(values):
        return keras.ops.sum(values[0] ** 3) + 2 * keras.ops.sum(values[1]), "told"

    for compiled in (False, True):
        values = [keras.ops.array([1.0, -2.0]), keras.ops.array(5.0)]
        scalar, extra, found = differentiate(lambda v: (cubic(v)[0], v[1] * 2), compiled=compiled)(
            values
        )
        assert float(scalar) == 1 - 8 + 10
        assert float(extra) == 10
        assert keras.ops.convert_to_numpy(found[0]).tolist() == [3.0, 12.0]
        assert float(found[1]) == 2


def test_what_the_scalar_does_not_depend_on_has_zeros():
    values = [keras.ops.array([1.0]), keras.ops.array([[2.0, 3.0]])]
    _, _, found = differentiate(lambda v: (keras.ops.sum(v[0]), None), compiled=False)(values)
    assert keras.ops.convert_to_numpy(found[1]).tolist() == [[0.0, 0.0]]


def test_inputs_against_finite_differences(network, images, rng):
    value, gradient = input_gradients(network, images, third)
    assert gradient.shape == images.shape
    assert value == pytest.approx(float(third(network(images, training=False))), rel=1e-5)
    for _ in range(5):
        direction = rng.standard_normal(images.shape).astype("float32")
        ends = [
            float(third(network(images + step * direction, training=False)))
            for step in (-1e-2, 1e-2)
        ]
        assert (ends[1] - ends[0]) / 2e-2 == pytest.approx(
            float((gradient * direction).sum()), rel=2e-2, abs=2e-2
        )


def test_weights_against_finite_differences(network, images, rng):
    value, gradients = weight_gradients(network, images, third, training=False)
    variables = network.trainable_variables
    assert [g.shape for g in gradients] == [tuple(v.shape) for v in variables]
    kept = [keras.ops.convert_to_numpy(v) for v in variables]
    for variable, before, gradient in zip(variables, kept, gradients, strict=True):
        direction = rng.standard_normal(before.shape).astype("float32")
        ends = []
        for step in (-1e-2, 1e-2):
            variable.assign(before + step * direction)
            ends.append(float(third(network(images, training=False))))
        variable.assign(before)
        assert (ends[1] - ends[0]) / 2e-2 == pytest.approx(
            float((gradient * direction).sum()), rel=2e-2, abs=3e-2
        )
    assert value == float(weight_gradients(network, images, third, training=False)[0])


def test_nothing_in_the_network_changes(network, images):
    before = everything(network)
    weight_gradients(network, images, third, training=True)
    input_gradients(network, images, third, training=True)
    for old, new in zip(before, everything(network), strict=True):
        np.testing.assert_array_equal(old, new)


def test_frozen_layers_have_no_gradient(network, images):
    network.get_layer("conv").trainable = False
    try:
        _, gradients = weight_gradients(network, images, third)
        assert len(gradients) == len(network.trainable_variables) == 4
    finally:
        network.get_layer("conv").trainable = True
