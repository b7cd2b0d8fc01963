from __future__ import annotations

import random

import keras
import numpy as np
import pytest

from sightkit import zoo
from sightkit._errors import SightkitError
from sightkit.training import initialize_lsuv


def images(shape, seed=0):
    return np.random.default_rng(seed).random((32, *shape)).astype("float32")


def kernels(model):
    return {
        layer.name: keras.ops.convert_to_numpy(layer.kernel.value)
        for layer in model.layers
        if hasattr(layer, "kernel")
    }


def test_a_dense_network_against_numpy():
    inputs = keras.Input((20,))
    x = keras.layers.Dense(30, activation="relu", name="a", bias_initializer="ones")(inputs)
    x = keras.layers.Dense(10, name="b", activation="tanh")(x)
    model = keras.Model(inputs, keras.layers.Dense(4, name="c")(x))
    data = images((20,))
    reached = initialize_lsuv(model, data, seed=1, tolerance=1e-3)
    found = kernels(model)
    a = data @ found["a"] + 1
    b = np.maximum(a, 0) @ found["b"]
    c = np.tanh(b) @ found["c"]
    for name, values in (("a", a), ("b", b), ("c", c)):
        assert values.var() == pytest.approx(1, abs=2e-3)
        assert reached[name] == pytest.approx(values.var(), abs=1e-4)
    assert model.get_layer("a").activation is keras.activations.relu
    assert (keras.ops.convert_to_numpy(model.get_layer("a").bias.value) == 1).all()


@pytest.mark.parametrize("name", ("lenet", "minivggnet"))
def test_kernels_are_orthonormal_but_for_their_scale(name):
    model = zoo.build(name, **zoo.entry(name).sample)
    initialize_lsuv(model, images(model.inputs[0].shape[1:]))
    for kernel in kernels(model).values():
        matrix = kernel.reshape(-1, kernel.shape[-1]).astype("float64")
        matrix = matrix if matrix.shape[0] >= matrix.shape[1] else matrix.T
        product = matrix.T @ matrix
        np.testing.assert_allclose(product / product[0, 0], np.eye(len(product)), atol=1e-4)


def test_deep_activations_neither_vanish_nor_explode():
    def deep():
        x = inputs = keras.Input((12, 12, 3))
        for number in range(12):
            initializer = keras.initializers.RandomNormal(stddev=0.01, seed=number)
            x = keras.layers.Conv2D(
                8, 3, padding="same", activation="relu", kernel_initializer=initializer
            )(x)
        return keras.Model(inputs, x)

    data = images((12, 12, 3))
    model = deep()
    assert keras.ops.convert_to_numpy(model(data)).std() < 1e-6
    reached = initialize_lsuv(model, data)
    assert len(reached) == 12
    assert all(0.9 <= variance <= 1.1 for variance in reached.values())
    assert keras.ops.convert_to_numpy(model(data)).std() > 0.1


def test_lsuv_depends_on_its_arguments_alone():
    found = []
    for seed in (1, 1, 2):
        model = zoo.build("lenet", **zoo.entry("lenet").sample)
        before = (random.getstate(), np.random.get_state()[1].tolist())
        initialize_lsuv(model, images(model.inputs[0].shape[1:]), seed=seed)
        assert (random.getstate(), np.random.get_state()[1].tolist()) == before
        found.append(list(kernels(model).values()))
    assert all(np.array_equal(a, b) for a, b in zip(found[0], found[1], strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(found[0], found[2], strict=True))
    first, second = (kernel for kernel in found[0] if kernel.ndim == 4)
    assert not np.array_equal(first.ravel()[:5], second.ravel()[:5])


def test_what_cannot_be_scaled_is_named():
    inputs = keras.Input((4,))
    shared = keras.layers.Dense(4, name="twice")
    with pytest.raises(SightkitError, match="twice"):
        initialize_lsuv(keras.Model(inputs, shared(shared(inputs))), images((4,)))
    with pytest.raises(SightkitError, match="layers=0"):
        initialize_lsuv(
            keras.Model(inputs, keras.layers.BatchNormalization()(inputs)), images((4,))
        )
    model = keras.Model(inputs, keras.layers.Dense(4, name="only")(inputs))
    with pytest.raises(SightkitError, match=r"differ.*only"):
        initialize_lsuv(model, np.zeros((8, 4), "float32"))
    with pytest.raises(SightkitError, match="tolerance=0"):
        initialize_lsuv(model, images((4,)), tolerance=0)
