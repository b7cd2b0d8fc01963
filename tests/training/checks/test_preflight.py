"""Faults that are built in, each found by its own line alone; sound trainings raise no alarm."""

from __future__ import annotations

import importlib.util
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from sightkit import io, zoo
from sightkit._errors import SightkitError
from sightkit.io import HDF5DatasetGenerator, HDF5DatasetWriter
from sightkit.preprocessing import (
    BGRPreprocessor,
    ImageToArrayPreprocessor,
    MeanPreprocessor,
    Pipeline,
)
from sightkit.training import MixUp, SoftLabels, preflight
from sightkit.training.checks import disk as on_disk
from sightkit.training.checks.labels import labels as label_check
from sightkit.training.checks.loss import LossInfo
from sightkit.training.checks.report import PASSED
from sightkit.training.checks.samples import Samples

CLASSES, SIDE = 4, 16
SPARSE = "sparse_categorical_crossentropy"
ON_JAX = [
    f"{Path(__file__).parents[1] / 'test_gradients.py'}",
    *(
        f"{__file__}::test_{name}"
        for name in (
            "a_sound_training_raises_no_alarm[mlp]",
            "a_kernel_of_zeros",
            "dead_relus",
            "everything_is_bit_exact_afterwards[True]",
        )
    ),
]
TO_ARRAY = Pipeline((ImageToArrayPreprocessor(),))
NAMES = [
    "inputs",
    "channels",
    "labels",
    "balance",
    "splits",
    "initial loss",
    "gradients",
    "overfit",
    "disk",
]


def patches(count, seed=0):
    """Patches of the two sample photos; class: which photo, which half. uint8 RGB."""
    from sklearn.datasets import load_sample_images

    rng = np.random.default_rng(seed)
    labels = np.arange(count) % CLASSES
    photos = load_sample_images().images
    images = np.empty((count, SIDE, SIDE, 3), np.uint8)
    for row, label in enumerate(labels):
        top = rng.integers(0, 400)
        left = 320 * (label % 2) + rng.integers(0, 300)
        images[row] = photos[label // 2][top : top + SIDE, left : left + SIDE]
    _, first = np.unique(images.reshape(count, -1), axis=0, return_index=True)
    assert len(first) == count
    return images, labels


@pytest.fixture(scope="module")
def photos():
    return patches(320)


@pytest.fixture(scope="module")
def write(tmp_path_factory, photos):
    def write(name, images=None, labels=None):
        path = tmp_path_factory.mktemp(name) / "photos.h5"
        images = photos[0] if images is None else images
        labels = photos[1] if labels is None else labels
        splits = {"train": 200, "validation": 60, "test": 60}
        names = [f"class {index}" for index in range(CLASSES)]
        with HDF5DatasetWriter(images.shape, path, class_names=names, splits=splits) as writer:
            writer.add(images, labels)
        return path

    return write


@pytest.fixture(scope="module")
def file(write):
    return write("sound")


def split(path, name="train", chain=TO_ARRAY, **options):
    options = {"shuffle": name == "train", **options}
    return HDF5DatasetGenerator(path, 32, split=name, preprocessors=chain, seed=5, **options)


def both(path, **options):
    return split(path, **options), split(path, "validation", **options)


class Batches(keras.utils.PyDataset):
    """Arrays in batches."""

    def __init__(self, images, labels):
        super().__init__()
        self.images_, self.labels_ = images, labels

    def __len__(self):
        return -(-len(self.images_) // 32)

    def __getitem__(self, index):
        rows = slice(32 * index, 32 * index + 32)
        return self.images_[rows], self.labels_[rows]


def network(name="convnet", loss=SPARSE, seed=1, classes=CLASSES, **options):
    keras.utils.set_random_seed(seed)
    model = zoo.build(name, input_shape=(SIDE, SIDE, 3), classes=classes, **options)
    return ready(model, loss)


def ready(model, loss=SPARSE):
    model.compile(keras.optimizers.Adam(1e-3), loss, metrics=["accuracy"])
    return model


def alarms(result):
    return [(line.name, line.verdict) for line in result.lines if line.verdict != PASSED]


def floats(images):
    return images.astype("float32") / 255


# --- sound trainings --------------------------------------------------------------------------


SLOW, LONG = ("minivggnet",), ("convnet", "shallownet", "minialexnet")


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    (
        "mlp",
        *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW),
        *(pytest.param(name, marks=pytest.mark.faults) for name in LONG),
    ),
)
def test_a_sound_training_raises_no_alarm(name, file, tmp_path):
    train, validation = both(file)
    result = preflight(network(name), train, validation, run_folder=tmp_path, seconds=60)
    assert alarms(result) == [], str(result)
    assert [line.name for line in result.lines] == NAMES
    assert result.left_out == ()
    assert not result.failed


def test_unscaled_pixels_are_right_where_the_network_normalizes(file):
    raw = Pipeline((ImageToArrayPreprocessor(scale=1.0),))
    train, validation = both(file, chain=raw)
    inputs = keras.Input((SIDE, SIDE, 3))
    body = zoo.build("shallownet", input_shape=(SIDE, SIDE, 3), classes=CLASSES)
    model = keras.Model(inputs, body(keras.layers.Rescaling(1 / 255)(inputs)))
    assert alarms(preflight(ready(model), train, validation, seconds=60)) == []


@pytest.mark.slow
def test_a_mean_that_was_subtracted_is_no_missing_scale(file):
    mean = split(file).file.mean
    chain = Pipeline((MeanPreprocessor.of(mean), ImageToArrayPreprocessor()))
    train, validation = both(file, chain=chain)
    assert alarms(preflight(network(), train, validation, seconds=60)) == []


def test_one_hot_labels_with_their_loss(photos):
    one_hot = np.eye(CLASSES, dtype="float32")[photos[1]]
    data = Batches(floats(photos[0]), 0.9 * one_hot + 0.1 / CLASSES)
    result = preflight(network(loss="categorical_crossentropy"), data, seconds=60)
    assert alarms(result) == []
    assert dict(result.left_out).keys() == {"splits", "disk"}


def test_two_classes_with_one_sigmoid(photos):
    inputs = keras.Input((SIDE, SIDE, 3))
    x = keras.layers.Dense(16, activation="relu")(keras.layers.Flatten()(inputs))
    model = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(x))
    data = Batches(floats(photos[0]), photos[1] // 2)
    result = preflight(ready(model, "binary_crossentropy"), data, seconds=60)
    assert alarms(result) == []
    assert "log 2 is 0.69" in result["initial loss"].found


@pytest.mark.slow
@pytest.mark.parametrize("several", (False, True), ids=("one class", "several classes"))
def test_a_sigmoid_a_class(photos, several):
    keras.utils.set_random_seed(1)
    model = zoo.MLP((SIDE, SIDE, 3), CLASSES, hidden=(128,), end="sigmoids")
    labels = io.one_hot(photos[1], CLASSES)
    labels = np.maximum(labels, labels[:, ::-1]) if several else labels
    data = Batches(floats(photos[0]), labels)
    result = preflight(ready(model, "binary_crossentropy"), data, seconds=60)
    assert alarms(result) == []
    assert "log 2 is 0.69 (exact" in result["initial loss"].found
    assert ("balance" in dict(result.left_out)) == several
    assert ("right" in result["overfit"].found) != several


@pytest.mark.slow
def test_a_network_that_does_not_classify(photos):
    keras.utils.set_random_seed(1)
    model = zoo.build("unet", input_shape=(SIDE, SIDE, 3), classes=2, filters=(4, 8, 8))
    masks = (photos[0].mean(axis=-1) > 128).astype("int64")
    result = preflight(ready(model), Batches(floats(photos[0]), masks), seconds=60)
    assert alarms(result) == [], str(result)
    assert "balance" in dict(result.left_out)
    model = zoo.build("srcnn", input_shape=(SIDE, SIDE, 3))
    side = model.output_shape[1]
    targets = floats(photos[0])[:, :side, :side]
    result = preflight(ready(model, "mse"), Batches(floats(photos[0]), targets), seconds=60)
    assert alarms(result) == [], str(result)


def regression(loss="mse", outputs=1, end="linear"):
    """Build a small network that answers with numbers."""
    keras.utils.set_random_seed(1)
    return ready(zoo.MLP((SIDE, SIDE, 3), outputs, hidden=(32,), end=end), loss)


@pytest.mark.parametrize("loss", ("mse", "mae", "huber"))
@pytest.mark.parametrize("outputs", (1, 2))
def test_a_sound_regression_raises_no_alarm(photos, loss, outputs):
    targets = photos[0].mean(axis=(1, 2, 3)) / 50 - 2
    targets = targets if outputs == 1 else np.stack([targets, -targets], 1)
    found = preflight(regression(loss, outputs), Batches(floats(photos[0]), targets), seconds=60)
    assert alarms(found) == [], str(found)
    result = {line.name: line for line in found.lines}
    assert "numbers from" in result["labels"].found
    assert "as only answer has" in result["initial loss"].found


def test_the_variance_is_the_loss_of_the_mean():
    images = np.random.default_rng(0).random((20, SIDE, SIDE, 3), np.float32)
    targets = np.arange(20.0) / 10
    found = preflight(regression(), Batches(images, targets), seconds=60)
    line = next(each for each in found.lines if each.name == "initial loss")
    assert f"has {targets.var():.4g}" in line.found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "end", "named", "check"),
    (
        (lambda y: np.where(y == y[7], np.nan, y), "linear", "labels hold NaN", "labels"),
        (lambda y: y * 0 + 4, "linear", "every target is 4", "labels"),
        (lambda y: np.stack([y, y, y], 1), "linear", "outputs (N, 1)", "labels"),
        (lambda y: 10 * y, "sigmoid", "ends in a sigmoid, which gives 0 to 1", "labels"),
        (lambda y: y + 1e4, "linear", "Standardize the targets", "initial loss"),
    ),
    ids=("nan", "constant", "columns", "sigmoid", "far from 0"),
)
def test_targets_that_no_regression_learns(photos, change, end, named, check):
    targets = change(photos[0].mean(axis=(1, 2, 3)) / 255)
    model = regression(outputs=1 if end == "linear" else 2, end=end)
    found = preflight(model, Batches(floats(photos[0]), targets), seconds=60)
    assert alarms(found)[0][0] == check, str(found)
    line = next(each for each in found.lines if each.name == check)
    assert named in line.found + line.todo


@pytest.mark.parametrize("kind", ("binary_crossentropy", "mean_squared_error"))
@pytest.mark.parametrize(
    ("shape", "verdict"),
    (((2, 8, 6, 1), PASSED), ((2, 8, 6), PASSED), ((2, 8, 6, 3), "failed"), ((2, 8), "failed")),
)
def test_outputs_of_any_side_take_labels_of_any_side(kind, shape, verdict):
    found = (np.arange(np.prod(shape)).reshape(shape) % 2).astype(np.float32)
    samples = Samples(found, found, found, True, (), None)
    loss = LossInfo(kind, lambda y, x: x, False, "sigmoid", (None, None, 1))
    assert label_check(loss, samples, None).verdict == verdict


@pytest.mark.slow
def test_a_last_kernel_of_zeros_is_a_way_to_begin(file):
    model = network()
    model.get_layer("logits").kernel.assign(np.zeros(model.get_layer("logits").kernel.shape))
    assert alarms(preflight(model, *both(file), seconds=60)) == []


@pytest.mark.slow
def test_frozen_layers_that_were_trained_are_no_alarm(file):
    model = network()
    for layer in model.layers[:4]:
        layer.trainable = False
    model.get_layer("block1_conv1").bias.assign(np.full(32, 0.01))
    assert alarms(preflight(ready(model), *both(file), seconds=60)) == []


# --- faults in the data -----------------------------------------------------------------------


def test_pixels_that_were_not_scaled(file):
    raw = Pipeline((ImageToArrayPreprocessor(scale=1.0),))
    result = preflight(network("shallownet"), *both(file, chain=raw))
    assert alarms(result) == [("inputs", "failed")]
    assert "0 to 255" in result["inputs"].found
    assert "not scaled" in result["inputs"].found
    assert "ImageToArrayPreprocessor" in result["inputs"].todo
    assert dict(result.left_out)["overfit"] == "fix first: inputs"


def test_pixels_that_were_scaled_twice(file):
    twice = Pipeline((ImageToArrayPreprocessor(scale=1 / 255**2),))
    result = preflight(network(), *both(file, chain=twice))
    assert alarms(result) == [("inputs", "failed")]
    assert "255 twice" in result["inputs"].found


def test_a_validation_split_with_another_chain(file):
    raw = Pipeline((ImageToArrayPreprocessor(scale=1.0),))
    result = preflight(network(), split(file), split(file, "validation", raw))
    assert alarms(result) == [("inputs", "failed")]
    assert "different chains" in result["inputs"].found


@pytest.mark.parametrize("where", ("train", "validation"))
@pytest.mark.parametrize("bad", (np.nan, np.inf))
def test_images_that_hold_no_numbers(where, bad, photos):
    images = floats(photos[0])
    broken = images.copy()
    broken[37 if where == "train" else 237, 3, 4, 1] = bad
    train, validation = Batches(images[:200], photos[1][:200]), (images[200:], photos[1][200:])
    if where == "train":
        train = Batches(broken[:200], photos[1][:200])
    else:
        validation = (broken[200:], photos[1][200:])
    result = preflight(network(), train, validation)
    assert alarms(result) == [("inputs", "failed")]
    assert ("1 of 200" if where == "train" else "1 of 120") in result["inputs"].found
    assert "NaN" in result["inputs"].found


def test_images_of_another_size(photos):
    result = preflight(network(), Batches(floats(photos[0])[:, :-1], photos[1]))
    assert alarms(result) == [("inputs", "failed")]
    assert "15x16x3" in result["inputs"].found


def test_images_in_which_nothing_is_to_be_seen(photos):
    result = preflight(network(), Batches(np.zeros((320, SIDE, SIDE, 3), "float32"), photos[1]))
    assert alarms(result) == [("inputs", "failed")]
    assert "one value" in result["inputs"].found


def test_channels_first(photos):
    first = np.moveaxis(floats(photos[0]), -1, 1)
    result = preflight(network(), Batches(first, photos[1]))
    assert alarms(result) == [("channels", "failed")]
    assert "channels first" in result["channels"].found


@pytest.mark.slow
def test_a_network_that_was_built_for_channels_first(photos):
    first = np.moveaxis(floats(photos[0]), -1, 1)
    layers = [keras.layers.Conv2D(4, 3, padding="same"), keras.layers.Flatten()]
    for body, found in ((layers, [("channels", "warned")]), (layers[1:], [])):
        made = keras.Sequential([keras.Input(first.shape[1:]), *body, keras.layers.Dense(CLASSES)])
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        made.compile("adam", loss)
        result = preflight(made, Batches(first, photos[1]))
        assert [alarm for alarm in alarms(result) if alarm[0] == "channels"] == found


def test_a_validation_split_in_bgr(photos):
    images = floats(photos[0])
    images[..., 0] = images[..., 0] * 0.5 + 0.5  # a red cast, as photos by lamplight have
    result = preflight(
        network(),
        Batches(images[:200], photos[1][:200]),
        (images[200:, ..., ::-1], photos[1][200:]),
    )
    assert alarms(result) == [("channels", "failed")]
    assert "BGR" in result["channels"].found


@pytest.mark.slow
def test_a_mean_in_the_wrong_order(write, photos):
    images = photos[0].copy()
    images[..., 2] //= 2
    path = write("yellow", images)
    mean = split(path).file.mean
    for steps, wrong in (
        ((MeanPreprocessor.of(mean), BGRPreprocessor()), False),
        ((MeanPreprocessor.of(mean[::-1]),), True),
        ((BGRPreprocessor(), MeanPreprocessor.of(mean)), True),
    ):
        chain = Pipeline((*steps, ImageToArrayPreprocessor()))
        result = preflight(network(), *both(path, chain=chain), seconds=60)
        assert alarms(result) == ([("channels", "failed")] if wrong else []), steps
    assert "mean" in result["channels"].found


def test_labels_that_are_shifted_by_one(photos):
    result = preflight(network(), Batches(floats(photos[0]), photos[1] + 1))
    assert alarms(result) == [("labels", "failed")]
    assert "shifted by one" in result["labels"].found
    assert "1 to 4" in result["labels"].found


@pytest.mark.slow
def test_labels_that_are_shifted_by_one_in_a_network_with_room(photos):
    data = Batches(floats(photos[0]), photos[1] + 1)
    data.labels = photos[1] + 1
    result = preflight(network(classes=CLASSES + 1), data, seconds=60)
    assert alarms(result) == [("balance", "warned")]
    assert "shifted by one" in result["balance"].todo


def test_one_hot_labels_with_a_sparse_loss(photos):
    one_hot = np.eye(CLASSES, dtype="float32")[photos[1]]
    result = preflight(network(), Batches(floats(photos[0]), one_hot))
    assert alarms(result) == [("labels", "failed")]
    assert "one-hot" in result["labels"].found
    assert "categorical_crossentropy" in result["labels"].todo


def test_class_indices_with_a_one_hot_loss(photos):
    model = network(loss="categorical_crossentropy")
    result = preflight(model, Batches(floats(photos[0]), photos[1]))
    assert alarms(result) == [("labels", "failed")]
    assert "class indices" in result["labels"].found


@pytest.mark.parametrize(
    ("loss", "labels", "said"),
    [
        (SPARSE, np.arange(320) % CLASSES - 1, "-1 to 2"),
        (SPARSE, (np.arange(320) % CLASSES) / 2, "whole numbers"),
        ("categorical_crossentropy", np.ones((320, CLASSES)), "sum to 1"),
        ("binary_crossentropy", np.arange(320) % 2, "one number an image"),
        ("binary_crossentropy", np.eye(CLASSES)[np.arange(320) % CLASSES], "each output alone"),
        (
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            np.arange(320) % CLASSES,
            "twice",
        ),
    ],
)
def test_labels_and_losses_that_do_not_agree(loss, labels, said, photos):
    result = preflight(network(loss=loss), Batches(floats(photos[0]), labels))
    assert alarms(result) == [("labels", "failed")]
    assert said in result["labels"].found


@pytest.mark.slow
def test_a_loss_of_probabilities_behind_logits(photos):
    body = network()
    model = ready(keras.Model(body.input, body.get_layer("logits").output))
    result = preflight(model, Batches(floats(photos[0]), photos[1]))
    assert alarms(result) == [("labels", "failed")]
    assert "without a softmax" in result["labels"].found
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    result = preflight(ready(model, loss), Batches(floats(photos[0]), photos[1]), seconds=60)
    assert alarms(result) == []


def test_a_network_for_another_number_of_classes(file):
    result = preflight(network(classes=7), *both(file))
    assert alarms(result) == [("labels", "failed")]
    assert "classes=4" in result["labels"].todo


def test_a_constant_label(photos):
    result = preflight(network(), Batches(floats(photos[0]), np.full(320, 2)))
    assert alarms(result) == [("balance", "failed")]
    assert "every label is 2" in result["balance"].found


@pytest.mark.slow
def test_classes_of_very_unlike_size(write, photos):
    few = np.repeat([0, 1, 2, 3, 0], (180, 15, 3, 2, 120))
    result = preflight(network(), split(write("few", labels=few)), seconds=60)
    assert alarms(result) == [("balance", "warned")]
    assert "90.0 %" in result["balance"].found
    assert "--class-weights" in result["balance"].todo


@pytest.mark.slow
@pytest.mark.parametrize("form", ("tuple", "batches", "one-hot", "soft"))
@pytest.mark.parametrize("whole", (True, False))
def test_classes_that_validation_lacks(form, whole, photos):
    labels = photos[1][:60] if whole else photos[1][:60] % 2
    held = floats(photos[0][:60]), labels
    train = io.ArrayBatches(floats(photos[0][60:]), photos[1][60:], batch_size=32)
    if form in ("one-hot", "soft"):
        held = held[0], io.one_hot(labels, CLASSES)
        rows = io.one_hot(train.labels, CLASSES)
        train = io.ArrayBatches(train.images(slice(None)), rows, batch_size=32)
    if form != "tuple":
        held = io.ArrayBatches(*held, batch_size=32)
    if form == "soft":
        held = SoftLabels(io.ArrayBatches(held.images(slice(None)), labels, batch_size=32), CLASSES)
    model = network(loss=SPARSE if form in ("tuple", "batches") else "categorical_crossentropy")
    line = preflight(model, train, held, seconds=0)["balance"]
    assert line.verdict == ("passed" if whole else "warned")
    assert whole or "validation has no images of 2 of the 4 classes (2, 3)" in line.found


@pytest.mark.slow
@pytest.mark.parametrize("mixing", (None, MixUp(0.2)))
def test_soft_labels_hide_nothing_of_the_data_within(mixing, file, write, photos):
    weights = {label: 1.0 for label in range(CLASSES)}
    copies = photos[0].copy()
    copies[:30] = copies[270:300]
    for path, verdict in ((file, "passed"), (write("twice", copies), "failed")):
        train, held = split(path, class_weights=weights), split(path, "validation")
        soft = SoftLabels(train, CLASSES, mixing=mixing, smoothing=0.1), SoftLabels(held, CLASSES)
        hard = preflight(network(), train, held, seconds=0)
        found = preflight(network(loss="categorical_crossentropy"), *soft, seconds=0)
        assert found["splits"] == hard["splits"] and found["splits"].verdict == verdict
        assert found["balance"] == hard["balance"]
        assert "always answering class 0 scores 25.0 %; each class" in found["balance"].found


@pytest.mark.slow
@pytest.mark.parametrize("end", ("softmax", "sigmoids"))
@pytest.mark.parametrize("of_the_loss", (True, False))
def test_soft_labels_are_learned_by_heart_down_to_their_entropy(end, of_the_loss, photos):
    """The loss begins at 1.4 or 0.7 and ends at 1.1 or 0.5: it cannot be halved."""
    kind = {"softmax": "CategoricalCrossentropy", "sigmoids": "BinaryCrossentropy"}[end]
    loss = getattr(keras.losses, kind)(label_smoothing=0.5 if of_the_loss else 0.0)
    train = io.ArrayBatches(floats(photos[0]), photos[1], batch_size=32)
    train = SoftLabels(train, CLASSES, smoothing=0.0 if of_the_loss else 0.5)
    line = preflight(network("mlp", loss, end=end), train, seconds=60)["overfit"]
    assert line.verdict == PASSED
    least = "1.07" if end == "softmax" else "0.562" if of_the_loss else "0.448"
    assert f"({least} at least" in line.found and line.found.endswith("all of them right")


@pytest.mark.slow
@pytest.mark.parametrize(("copies", "verdict"), ((30, "failed"), (1, "failed")))
def test_images_of_the_test_split_among_those_of_the_training(copies, verdict, write, photos):
    images = photos[0].copy()
    images[:copies] = images[270 : 270 + copies]
    result = preflight(network(), *both(write("twice", images)), seconds=60)
    assert alarms(result) == [("splits", verdict)]
    found = result["splits"].found
    assert f"{copies} of 60 images of test of photos.h5 are in training too" in found


@pytest.mark.slow
def test_images_that_two_files_share(file, write, photos):
    other = write("other", photos[0][::-1].copy(), photos[1][::-1].copy())
    result = preflight(network(), *both(file), test=split(other, "test"), seconds=60)
    assert alarms(result) == [("splits", "failed")]


# --- faults in the network --------------------------------------------------------------------


def test_a_kernel_of_zeros(file):
    model = network()
    kernel = model.get_layer("block2_conv1").kernel
    kernel.assign(np.zeros(kernel.shape))
    result = preflight(model, *both(file))
    assert alarms(result) == [("gradients", "failed")]
    assert "block2_conv1 is all zeros" in result["gradients"].found
    assert "initialization" in result["gradients"].found


def test_an_initialization_that_explodes(file):
    result = preflight(network(initializer=("random_normal", 1.0)), *both(file))
    assert alarms(result) == [("initial loss", "failed")]
    assert "initialization is the suspect" in result["initial loss"].found
    assert "exact with the last kernel zeroed" in result["initial loss"].found


def test_weights_that_are_no_numbers(file):
    model = network()
    kernel = model.get_layer("logits").kernel
    kernel.assign(np.full(kernel.shape, np.nan))
    result = preflight(model, *both(file))
    assert alarms(result) == [("initial loss", "failed")]


def test_dead_relus(file):
    model = network()
    model.get_layer("block2_conv2").bias.assign(np.full(64, -50.0))
    result = preflight(model, *both(file))
    assert alarms(result) == [("gradients", "failed")]
    assert "block2_conv2_activation is dead" in result["gradients"].found


@pytest.mark.slow
def test_relus_that_are_mostly_dead(file):
    model = network()
    bias = np.full(64, -50.0)
    bias[::20] = 0.0
    model.get_layer("block2_conv2").bias.assign(bias)
    result = preflight(model, *both(file), seconds=60)
    assert [name for name, _ in alarms(result)] == ["gradients"]
    assert "dead" in result["gradients"].found


@pytest.mark.slow
def test_a_layer_that_is_frozen_at_random_values(file):
    model = network()
    model.get_layer("block2_conv1").trainable = False
    result = preflight(ready(model), *both(file), seconds=60)
    assert alarms(result) == [("gradients", "warned")]
    assert "block2_conv1: frozen" in result["gradients"].found


def test_a_network_in_which_nothing_trains(file):
    model = network()
    model.trainable = False
    assert alarms(preflight(ready(model), *both(file))) == [("gradients", "failed")]


@pytest.mark.slow
def test_images_that_contradict_their_labels(photos):
    """Twenty images that look alike and are called differently cannot be learned by heart."""
    noise = np.random.default_rng(1).random((320, SIDE, SIDE, 3)) * 1e-6
    images = (floats(photos[0])[:1] + noise).astype("float32")
    result = preflight(network("shallownet"), Batches(images, photos[1]), seconds=120)
    assert [name for name, _ in alarms(result)] == ["overfit"]


# --- what it leaves behind --------------------------------------------------------------------


def state_of(model, train):
    variables = [*model.variables, *model.optimizer.variables, *model.metrics_variables]
    return (
        [keras.ops.convert_to_numpy(variable).copy() for variable in variables],
        (train.epoch, train._epoch, len(train)),
        random.getstate(),
        np.random.get_state()[1].tolist(),
        [layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)],
    )


def noisy():
    """A small network with all that has a memory: dropout, batch normalization, momentum."""
    keras.utils.set_random_seed(1)
    inputs = keras.Input((SIDE, SIDE, 3))
    x = keras.layers.Conv2D(8, 3, strides=2, activation="relu")(inputs)
    x = keras.layers.SpatialDropout2D(0.2)(zoo.BatchNormalization()(x))
    x = keras.layers.Dropout(0.5)(keras.layers.Flatten()(x))
    outputs = keras.layers.Dense(CLASSES, activation="softmax", name="logits")(x)
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.SGD(0.01, momentum=0.9), SPARSE, metrics=["accuracy"])
    return model


class Drawing:
    """An augmentation that draws, as it may not, from the generators of all."""

    def batch(self, images, rngs):
        return images if np.random.random() + random.random() < 2 else images[::-1]


@pytest.mark.slow
@pytest.mark.parametrize("begun", (pytest.param(False, marks=pytest.mark.slow), True))
def test_everything_is_bit_exact_afterwards(begun, file):
    """Of two trainings with dropout, batch normalization and momentum, one is checked before."""
    ends = []
    for checked in (False, True):
        model = noisy()
        train, validation = split(file, augment=Drawing()), split(file, "validation")
        random.seed(4)
        np.random.seed(4)
        if begun:
            model.fit(train, epochs=1, verbose=0, shuffle=False)
            train.set_epoch(1)
        if checked:
            before = state_of(model, train)
            assert len(preflight(model, train, validation, seconds=60).lines) == len(NAMES) - 1
            after = state_of(model, train)
            for old, new in zip(before[0], after[0], strict=True):
                np.testing.assert_array_equal(old, new)
            assert before[1:] == after[1:]
        model.fit(train, initial_epoch=int(begun), epochs=1 + begun, verbose=0, shuffle=False)
        ends.append(state_of(model, train))
    for old, new in zip(ends[0][0], ends[1][0], strict=True):
        np.testing.assert_array_equal(old, new)
    assert ends[0][1:] == ends[1][1:]


# --- how it says it ---------------------------------------------------------------------------


def test_a_network_that_is_not_compiled_is_refused(file):
    model = zoo.build("shallownet", input_shape=(SIDE, SIDE, 3), classes=CLASSES)
    with pytest.raises(SightkitError, match=r"model\.compile"):
        preflight(model, split(file))


@pytest.mark.slow
@pytest.mark.parametrize(("free", "verdict"), ((1000, "failed"), (10 * 2**20, "warned")))
def test_room_for_checkpoints(free, verdict, file, tmp_path, monkeypatch):
    model = network("shallownet")
    monkeypatch.setattr(on_disk, "bytes_needed", lambda model: 6 * 2**20)
    usage = shutil.disk_usage(tmp_path)._replace(free=free)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    result = preflight(model, *both(file), run_folder=tmp_path / "new", seconds=60)
    assert alarms(result) == [("disk", verdict)]
    assert "6" in result["disk"].found


def test_the_text_is_aligned_and_says_what_to_do(file):
    raw = Pipeline((ImageToArrayPreprocessor(scale=1.0),))
    result = preflight(network("shallownet"), *both(file, chain=raw))
    rows = str(result).splitlines()
    assert rows[0].startswith("Preflight: 4 passed, 1 failed, 4 not made (")
    assert max(map(len, rows)) <= 100
    assert len({row.index("class indices") for row in rows if "class indices" in row}) == 1
    assert any(row.startswith("  FAILED    inputs") for row in rows)
    assert any("→ Scale them" in row for row in rows)
    assert any(row.startswith("  not made  overfit") for row in rows)


def test_data_that_cannot_be_read_by_index_are_told(tmp_path):
    def batches():
        yield np.zeros((1, SIDE, SIDE, 3)), np.zeros(1)

    result = preflight(network("shallownet"), batches(), run_folder=tmp_path)
    assert [line.name for line in result.lines] == ["disk"]
    assert "by index" in dict(result.left_out)["inputs"]


def test_several_outputs_are_told(photos):
    inputs = keras.Input((SIDE, SIDE, 3))
    x = keras.layers.Flatten()(inputs)
    outputs = [keras.layers.Dense(CLASSES, activation="softmax")(x) for _ in range(2)]
    model = ready(keras.Model(inputs, outputs), [SPARSE, SPARSE])
    result = preflight(model, Batches(floats(photos[0]), photos[1]))
    assert alarms(result) == []
    assert "several" in dict(result.left_out)["gradients"]


@pytest.mark.slow
def test_the_other_backend():
    """The checks that speak to a backend, on JAX."""
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed (extra: jax)")
    if keras.backend.backend() == "jax":
        pytest.skip("this is the other backend")
    told = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *ON_JAX],
        env={
            **os.environ,
            "KERAS_BACKEND": "jax",
            # XLA's optimizations take three times as long as these small networks.
            "XLA_FLAGS": "--xla_backend_optimization_level=0 "
            "--xla_llvm_disable_expensive_passes=true",
        },
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert told.returncode == 0, told.stdout[-3000:] + told.stderr[-1000:]
    assert "skipped" not in told.stdout


@pytest.mark.parametrize("frozen", (False, True))
@pytest.mark.parametrize("side", (16, 32))
def test_few_photos_are_told_where_no_trained_weights_rest(frozen, side, photos):
    images = np.repeat(np.repeat(floats(photos[0]), side // SIDE, 1), side // SIDE, 2)
    train = io.ArrayBatches(images, photos[1], batch_size=32)
    layers = [
        keras.Input((side, side, 3)),
        keras.layers.Conv2D(4, 3, trainable=not frozen),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(CLASSES, activation="softmax"),
    ]
    model = keras.Sequential(layers)
    model.compile("adam", SPARSE)
    line = preflight(model, train, seconds=0)["balance"]
    told = "4 of 4 classes have far under 1,000 images" in line.todo
    assert line.verdict == "passed" and told == (side == 32 and not frozen)
