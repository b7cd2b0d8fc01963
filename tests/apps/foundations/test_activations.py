"""Activations and their gradients: by differences, by Keras, and as the notes' formulas stand."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from sightkit.apps.foundations import activations as a
from sightkit.apps.foundations import learned_activations as learned
from sightkit.apps.foundations import uneven

OF_KERAS = {
    "linear": lambda x: x,
    "sigmoid": keras.ops.sigmoid,
    "tanh": keras.ops.tanh,
    "relu": keras.ops.relu,
    "leaky_relu": lambda x: keras.ops.leaky_relu(x, 0.1),
    "elu": keras.ops.elu,
    "softmax": keras.ops.softmax,
}
X = np.random.default_rng(0).normal(scale=2, size=(4, 5))


@pytest.mark.parametrize("name", a.ACTIVATIONS)
def test_an_activation_has_the_right_slope(name, against_differences, against_keras):
    forward, backward = a.ACTIVATIONS[name]
    upstream = uneven(X.shape)
    gradients = [backward(upstream, X)]
    against_differences(forward, [X], gradients, upstream)
    if name in OF_KERAS:
        against_keras(OF_KERAS[name], [X], forward(X), gradients, upstream)


@pytest.mark.parametrize("name", a.ACTIVATIONS)
def test_float32_stays_float32_and_large_numbers_stay_finite(name):
    forward, backward = a.ACTIVATIONS[name]
    x = np.array([[-1e4, -1.0, 0.0, 1.0, 1e4]], np.float32)
    for found in (forward(x), backward(np.ones_like(x), x)):
        assert found.dtype == np.float32 and np.isfinite(found).all()


def test_values_are_those_of_the_formulas():
    x = np.array([[-2.0, 0.0, 3.0]])
    assert a.step(x).tolist() == [[0, 0, 1]]
    assert a.leaky_relu(x, 0.01).tolist() == [[-0.02, 0, 3]]
    assert np.allclose(a.elu(x, 2.0), [[2 * (np.exp(-2) - 1), 0, 3]])
    assert np.allclose(a.sigmoid(x), 1 / (1 + np.exp(-x)))
    assert np.allclose(a.softmax(x).sum(), 1)
    assert np.allclose(a.elu(np.array([-1e-9, 1e-9])), 0, atol=1e-8)  # no jump: the bracket


@pytest.mark.parametrize("shape", ((4, 5), (2, 3, 3, 5)))
def test_parametric_relu_learns_its_slopes(shape, rng, against_differences, against_keras):
    x, slope, upstream = rng.normal(size=shape), rng.uniform(0, 0.5, 5), uneven(shape)
    gradients = learned.parametric_relu_backward(upstream, x, slope)
    against_differences(learned.parametric_relu, [x, slope], gradients, upstream)

    def of_keras(x, slope):
        return keras.ops.where(x > 0, x, slope * x)

    against_keras(of_keras, [x, slope], learned.parametric_relu(x, slope), gradients, upstream)


def test_maxout_learns_its_pieces(rng, against_differences, against_keras):
    values = [rng.normal(size=size) for size in ((6, 3), (2, 3, 4), (2, 4))]
    upstream = uneven((6, 4))
    gradients = learned.maxout_backward(upstream, *values)
    against_differences(learned.maxout, values, gradients, upstream)

    def of_keras(x, weights, biases):
        pieces = [keras.ops.matmul(x, weights[p]) + biases[p] for p in range(2)]
        return keras.ops.maximum(*pieces)

    against_keras(of_keras, values, learned.maxout(*values), gradients, upstream)


def test_maxout_of_x_and_minus_x_is_the_absolute_value(rng):
    x, eye = rng.normal(size=(5, 3)), np.eye(3)
    assert np.allclose(learned.maxout(x, np.stack([eye, -eye]), np.zeros((2, 3))), abs(x))
