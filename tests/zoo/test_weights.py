"""Weights are loaded whole, or not at all and with every difference named."""

import keras
import numpy as np
import pytest

from sightkit import zoo
from sightkit._errors import SightkitError

ARGUMENTS = {"input_shape": (8, 8, 3), "classes": 3}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "model.weights.h5"
    model = zoo.MiniVGGNet(**ARGUMENTS)
    model.save_weights(path)
    return model, path


def refused(model, path):
    before = model.get_weights()
    with pytest.raises(SightkitError) as error:
        zoo.load_weights(model, path)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    return str(error.value)


def test_the_same_network_takes_them(saved):
    model, path = saved
    other = zoo.MiniVGGNet(**ARGUMENTS)
    zoo.load_weights(other, path)
    for mine, theirs in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_frozen_network_takes_them_in_the_same_order(saved):
    model, path = saved
    other = zoo.MiniVGGNet(**ARGUMENTS)
    other.trainable = False
    zoo.load_weights(other, path)
    for mine, theirs in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_another_number_of_classes_is_named(saved):
    message = refused(zoo.MiniVGGNet((8, 8, 3), 5), saved[1])
    assert "logits: kernel (512, 5) in the network, (512, 3) in the file" in message
    assert "bias (5,) in the network, (3,) in the file" in message
    assert "block1_conv1" not in message
    assert "nothing was loaded" in message


def test_layers_that_only_one_side_has_are_named(saved):
    message = refused(zoo.MiniVGGNet(**ARGUMENTS, normalization=None), saved[1])
    assert "dense1_norm: (512,) only in the file" in message
    message = refused(zoo.ResNet20((8, 8, 3), 3), saved[1])
    assert "stage3_projection" not in message
    assert "stage3_block1_projection: kernel (1, 1, 32, 64) only in the network" in message


def test_keras_layers_and_ours_exchange_weights(tmp_path):
    """Weight files are keyed by class name: ours is named as Keras' is."""

    def network(layer):
        images = keras.Input((4, 4, 2))
        x = keras.layers.Conv2D(3, 3)(images)
        return keras.Model(images, layer(name="norm")(x))

    theirs, ours = network(keras.layers.BatchNormalization), network(zoo.BatchNormalization)
    values = [np.random.default_rng(1).random(w.shape) + 0.5 for w in theirs.weights]
    theirs.set_weights(values)
    theirs.save_weights(tmp_path / "theirs.weights.h5")
    zoo.load_weights(ours, tmp_path / "theirs.weights.h5")
    images = np.random.default_rng(2).random((2, 4, 4, 2), dtype="float32")
    np.testing.assert_allclose(ours(images), theirs(images), atol=1e-6)
    ours.save_weights(tmp_path / "ours.weights.h5")
    back = network(keras.layers.BatchNormalization)
    back.load_weights(tmp_path / "ours.weights.h5")
    for mine, other in zip(ours.get_weights(), back.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, other)


L = keras.layers
INSIDE = {
    "network": lambda x: zoo.LeNet((8, 8, 3), 3, name="inner")(x),
    "networks": lambda x: keras.Sequential([keras.Sequential([L.Conv2D(2, 3)]), L.Conv2D(2, 3)])(x),
    "bidirectional": lambda x: L.Bidirectional(L.LSTM(2))(L.Reshape((8, 24))(x)),
    "cells": lambda x: L.RNN([L.GRUCell(2), L.SimpleRNNCell(3)])(L.Reshape((8, 24))(x)),
    "time_distributed": lambda x: L.TimeDistributed(L.Conv2D(2, 3))(L.Reshape((2, 4, 8, 3))(x)),
    "attention": lambda x: L.MultiHeadAttention(2, 3)(*[L.Reshape((8, 24))(x)] * 2),
    "spectral": lambda x: L.SpectralNormalization(L.Conv2D(2, 3))(x),
    "convlstm": lambda x: L.ConvLSTM1D(2, 3)(x),
    "normalization": lambda x: L.Normalization()(x),
    "dropout": lambda x: L.Dense(2)(L.Dropout(0.5)(L.RandomFlip()(x))),
}


@pytest.mark.parametrize("inside", INSIDE)
def test_weights_inside_layers_are_at_keras_places(inside, tmp_path):
    def network():
        images = keras.Input((8, 8, 3))
        return keras.Model(images, INSIDE[inside](images))

    rng = np.random.default_rng(0)
    model, other = network(), network()
    for variable in model.weights:
        variable.assign(rng.integers(1, 9, variable.shape))
    model.save_weights(tmp_path / "model.weights.h5")
    zoo.load_weights(other, tmp_path / "model.weights.h5")
    assert model.weights
    for mine, theirs in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_bomb_is_refused(saved, tmp_path):
    import h5py

    path = tmp_path / "model.weights.h5"
    path.write_bytes(saved[1].read_bytes())
    with h5py.File(path, "a") as file:
        file.create_dataset("layers/a/vars/0", (10**9,), "float32", chunks=(10**6,))
    assert "must hold Keras weights" in refused(zoo.MiniVGGNet(**ARGUMENTS), path)


def test_a_loop_is_passed_once(saved, tmp_path):
    import h5py

    path = tmp_path / "model.weights.h5"
    path.write_bytes(saved[1].read_bytes())
    with h5py.File(path, "a") as file:
        file["layers/a"] = file["layers/b"] = file["layers"]
    model = zoo.MiniVGGNet(**ARGUMENTS)
    zoo.load_weights(model, path)
    for mine, theirs in zip(saved[0].get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_prelu_and_separable_layers_are_found(tmp_path):
    images = keras.Input((8, 8, 3))
    x = keras.layers.SeparableConv2D(4, 3)(images)
    x = keras.layers.PReLU(shared_axes=[1, 2])(x)
    model = keras.Model(images, keras.layers.PReLU()(x))
    model.save_weights(tmp_path / "model.weights.h5")
    zoo.load_weights(model, tmp_path / "model.weights.h5")


def test_files_that_are_none(saved, tmp_path):
    model = zoo.LeNet((8, 8, 1), 3)
    assert "No such file" in refused(model, tmp_path / "absent.weights.h5")
    whole = tmp_path / "model.h5"
    whole.write_bytes(b"")
    assert "never a model" in refused(model, whole)
    damaged = tmp_path / "damaged.weights.h5"
    damaged.write_bytes(b"these are no weights")
    assert "It may be damaged" in refused(model, damaged)
    cut = tmp_path / "cut.weights.h5"
    cut.write_bytes(saved[1].read_bytes()[:5000])
    assert "It may be damaged" in refused(model, cut)


def test_a_link_to_another_file_is_not_followed(saved, tmp_path):
    import h5py

    path = tmp_path / "linked.weights.h5"
    with h5py.File(path, "w") as file:
        file["layers"] = h5py.ExternalLink(str(saved[1]), "/layers")
    assert "layers is a link" in refused(zoo.MiniVGGNet(**ARGUMENTS), path)


@pytest.mark.slow
def test_values_that_are_no_numbers_are_refused(saved, tmp_path):
    import h5py

    path = tmp_path / "integers.weights.h5"
    path.write_bytes(saved[1].read_bytes())
    with h5py.File(path, "a") as file:
        bias = file["layers/dense_1/vars/1"]
        shape = bias.shape
        del file["layers/dense_1/vars/1"]
        file["layers/dense_1/vars/1"] = np.zeros(shape, "int32")
    assert "logits: bias holds int32" in refused(zoo.MiniVGGNet(**ARGUMENTS), path)
