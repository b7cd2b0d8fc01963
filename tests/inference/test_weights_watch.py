"""No weight changes unseen, whoever changes it and through whatever model."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers

from sightkit import inference, zoo
from sightkit.inference.weights_watch import WeightsWatch


def build():
    x = keras.Input((8, 8, 3))
    maps = layers.BatchNormalization()(layers.Conv2D(6, 3, activation="relu", name="first")(x))
    features = layers.Flatten()(layers.Conv2D(6, 3, activation="relu", name="second")(maps))
    answers = layers.Dense(3, activation="softmax")(layers.Dense(8, name="third")(features))
    return keras.Model(x, features), keras.Model(x, answers)


@pytest.fixture
def watch():
    """Make a watch that has looked once."""

    def make(network):
        made = WeightsWatch(network)
        assert not made.changed()
        return made

    return make


def test_one_number_of_any_weight_is_enough(watch):
    _, network = build()
    for weight in network.weights:
        watching = watch(network)
        values = keras.ops.convert_to_numpy(weight).copy()
        values.flat[-1] = np.nextafter(values.flat[-1], np.float32(9))
        weight.assign(values)
        assert watching.changed(), weight.path
        assert not watch(network).changed()


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("optimizer", ["SGD", "Adam", "Lion"])
def test_a_step_through_another_model_over_the_same_layers_is_seen(optimizer, jit, watch):
    features, classifier = build()
    for layer in classifier.layers:
        layer.trainable = layer.name == "second"
    classifier.compile(optimizer, "sparse_categorical_crossentropy", jit_compile=jit)
    images = np.random.default_rng(0).random((6, 8, 8, 3), dtype="float32")
    for _ in range(3):  # what is written to in place is written to from the second step on
        watching = watch(features)
        before = features.get_weights()
        classifier.train_on_batch(images, np.arange(6) % 3)
        moved = [np.any(a != b) for a, b in zip(before, features.get_weights(), strict=True)]
        assert sum(moved) == 2  # kernel and bias
        assert watching.changed()


def test_equal_values_are_no_change_wherever_they_lie(watch):
    _, network = build()
    watching = watch(network)
    for _ in range(2):
        network.set_weights(network.get_weights())
        assert not watching.changed()
    network.weights[0].assign(network.weights[0] + 1)
    assert watching.changed()


def test_changes_of_rows_alone_are_seen(watch):
    tf = pytest.importorskip("tensorflow")
    _, network = build()
    kernel = network.get_layer("third").kernel
    for value in (7.0, 8.0):  # after the first, reading gives a copy
        watching = watch(network)
        assert not watching.changed()
        row = tf.fill([1, kernel.shape[1]], value)
        kernel.value.scatter_update(tf.IndexedSlices(row, tf.constant([2])))
        assert watching.changed()


def test_weights_that_a_network_is_given_later_are_a_change(watch):
    features, network = build()
    watched = watch(network)
    network.get_layer("third").enable_lora(2)
    assert watched.changed()
    assert not watch(network).changed()
    assert not watch(features).changed()


def test_a_network_without_weights_never_changes(watch):
    inputs = keras.Input((4,))
    assert not watch(keras.Model(inputs, layers.ReLU()(inputs))).changed()


def test_features_are_the_new_ones_after_fine_tuning_through_a_classifier(at_once):
    network = zoo.build("resnet20", input_shape=(8, 8, 3), classes=3)
    features = keras.Model(network.inputs[0], network.get_layer("logits").input)
    images = np.random.default_rng(0).random((16, 8, 8, 3), dtype="float32")
    predict = inference.compile(features)
    before = predict(images)
    assert predict.engine != "keras"
    for layer in network.layers:
        layer.trainable = layer.name == "stage3_block2_conv1"
    network.compile(keras.optimizers.SGD(0.5), "sparse_categorical_crossentropy")
    network.fit(images, np.arange(16) % 3, epochs=3, verbose=0)
    after = predict(images)
    expected = features.predict_on_batch(images)
    assert np.abs(expected - before).max() > 1e-3
    np.testing.assert_allclose(after, expected, rtol=1e-3, atol=1e-5)


JAX = """
import keras, numpy as np
from keras import layers
from sightkit.inference.weights_watch import WeightsWatch
assert keras.backend.backend() == "jax"
x = keras.Input((6,))
features = layers.BatchNormalization()(layers.Dense(4, name="first")(x))
network, inner = keras.Model(x, layers.Dense(3, "softmax")(features)), keras.Model(x, features)
rows = np.random.default_rng(0).random((6, 6), dtype="float32")
watch = WeightsWatch(inner)
for _ in range(2):
    network.predict_on_batch(rows), inner.predict_on_batch(rows)
    assert not watch.changed()
for weight in inner.weights:
    weight.assign(weight + 1e-3)
    assert watch.changed()
    watch = WeightsWatch(inner)
for layer in network.layers:
    layer.trainable = layer.name == "first"
network.compile("sgd", "sparse_categorical_crossentropy")
for _ in range(2):
    network.fit(rows, np.arange(6) % 3, verbose=0)
    assert watch.changed()
    watch = WeightsWatch(inner)
print("done")
"""


@pytest.mark.slow
def test_weights_are_watched_on_jax_too():
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed (extra: jax)")
    told = subprocess.run(
        [sys.executable, "-c", JAX],
        env={**os.environ, "KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert told.stdout.splitlines()[-1:] == ["done"], told.stderr[-3000:]
