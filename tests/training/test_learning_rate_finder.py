from __future__ import annotations

import random

import cv2
import keras
import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.callbacks import OneCycle
from sightkit.io import HDF5DatasetGenerator
from sightkit.preprocessing import Augment, ImageToArrayPreprocessor, Pipeline
from sightkit.training import learning_rate_finder, weights_sha256
from sightkit.training.learning_rate_finder import _suggest


def network(optimizer=None):
    """All that has a memory of its own: moving statistics and the seeds of dropout."""
    keras.backend.clear_session()  # so that layers have the same names each time
    keras.utils.set_random_seed(3)
    layers = keras.layers
    images = keras.Input((8, 8, 1))
    x = layers.BatchNormalization()(layers.Conv2D(4, 3, activation="relu")(images))
    x = layers.Dropout(0.3)(layers.Flatten()(x))
    model = keras.Model(images, layers.Dense(3, activation="softmax")(x))
    model.compile(
        optimizer or keras.optimizers.SGD(0.05, momentum=0.9),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


@pytest.fixture
def data(write_dataset):
    return HDF5DatasetGenerator(
        write_dataset(),
        8,
        preprocessors=Pipeline((ImageToArrayPreprocessor(),)),
        augment=Augment(rotation=10),
        shuffle=True,
        seed=1,
    )


@pytest.mark.slow
def test_rates_rise_and_the_suggestion_is_where_the_loss_falls(data, tmp_path):
    found = learning_rate_finder(network(), data, picture=tmp_path / "rates.png")
    assert len(found.rates) == len(found.losses) == len(found.smoothed) <= 100
    assert found.rates[0] == pytest.approx(1e-6)
    assert np.allclose(np.diff(np.log(found.rates)), np.log(1e7) / 99)
    assert found.smoothed[0] == pytest.approx(found.losses[0])
    lowest = found.rates[int(np.argmin(found.smoothed))]
    assert 1e-5 < found.suggestion <= lowest / 10 * 1.0001
    assert cv2.imread(str(tmp_path / "rates.png")) is not None
    assert [path.name for path in tmp_path.glob("*.png")] == ["rates.png"]


@pytest.mark.slow
def test_what_it_suggests_trains(data):
    model = network()
    rate = learning_rate_finder(model, data).suggestion
    model.optimizer.learning_rate = rate
    losses = model.fit(data, epochs=15, verbose=0, shuffle=False).history["loss"]
    assert losses[-1] < 0.7 * losses[0]


@pytest.mark.slow
@pytest.mark.parametrize("trained", (0, 2), ids=("new", "after two epochs"))
def test_afterwards_everything_is_as_if_there_had_been_no_test(trained, data):
    def run(*, with_test):
        model = network()
        data.set_epoch(-1)
        if trained:
            model.fit(data, epochs=trained, verbose=0, shuffle=False)
        if with_test:
            learning_rate_finder(model, data, steps=15)
        drawn = (random.random(), np.random.random(), data.epoch)
        history = model.fit(
            data, epochs=trained + 2, initial_epoch=trained, verbose=0, shuffle=False
        )
        optimizer = [keras.ops.convert_to_numpy(v).tobytes() for v in model.optimizer.variables]
        global_seed = keras.ops.convert_to_numpy(keras.random.uniform((2,))).tolist()
        later = keras.layers.Dropout(0.5).seed_generator.state
        later = keras.ops.convert_to_numpy(later).tolist()
        return weights_sha256(model), history.history, optimizer, drawn, global_seed, later

    assert run(with_test=True) == run(with_test=False)


def test_the_copy_has_the_weights_and_the_loss_of_the_network():
    """At a rate of nothing each loss is the network's own."""
    model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten()])
    model.add(keras.layers.Dense(3, activation="softmax"))
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy())
    rng = np.random.default_rng(0)
    batches = [(rng.random((4, 8, 8, 1)).astype("float32"), rng.integers(0, 3, 4)) for _ in "abc"]
    found = learning_rate_finder(model, batches, lowest=1e-12, highest=1e-11, steps=10)
    expected = [model.test_on_batch(*batch) for batch in batches]
    np.testing.assert_allclose(found.losses, (expected * 4)[:10], rtol=1e-5)


@pytest.mark.slow
def test_it_runs_the_same_twice(data):
    model = network()
    assert learning_rate_finder(model, data) == learning_rate_finder(model, data)


@pytest.mark.slow
@pytest.mark.parametrize(
    "optimizer",
    (
        lambda: keras.optimizers.Adam(OneCycle(0.1, 100)),
        lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1)),
    ),
    ids=("schedule", "loss scale"),
)
def test_the_optimizers_own_rate_does_not_matter(optimizer, data):
    found = learning_rate_finder(network(optimizer()), data, steps=12, highest=0.1)
    assert len(found.losses) == 12


def test_it_ends_where_the_loss_explodes(data):
    found = learning_rate_finder(network(), data, lowest=1e-3, highest=1e8, steps=60)
    assert len(found.rates) < 60
    assert np.isfinite(found.losses).all()


def test_where_nothing_falls_nothing_is_suggested(data, tmp_path):
    path = tmp_path / "rates.png"
    found = learning_rate_finder(
        network(), data, lowest=1e-12, highest=1e-9, steps=10, picture=path
    )
    assert found.suggestion is None
    assert cv2.imread(str(path)) is not None


def test_a_loss_that_is_nan_from_the_first_is_no_crash(tmp_path):
    batch = (np.full((4, 8, 8, 1), np.nan, np.float32), np.zeros(4, int))
    model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten()])
    model.add(keras.layers.Dense(3, activation="softmax"))
    model.compile("sgd", "sparse_categorical_crossentropy")
    found = learning_rate_finder(model, [batch], picture=tmp_path / "rates.png")
    assert (found.losses, found.suggestion) == ((), None)
    assert list(tmp_path.iterdir()) == []


def test_noise_before_the_fall_is_not_taken_for_it():
    rates = np.geomspace(1e-6, 1, 61)
    noise = np.random.default_rng(0).normal(0, 0.03, 61)
    noise[3] = -0.4  # steeper than anything that follows
    smoothed = 2.3 - 1.5 * np.clip((np.log10(rates) + 4) / 3, 0, 1) + noise
    smoothed[rates > 0.3] = 9
    assert 1e-4 < _suggest(list(rates), list(smoothed)) < 0.03


def test_finder_refuses_what_it_cannot_test_before_work(data):
    model = network()
    for arguments in ({"lowest": 0}, {"lowest": 1, "highest": 1}, {"steps": 9}):
        with pytest.raises(SightkitError, match="lowest must be above 0"):
            learning_rate_finder(model, data, **arguments)
    with pytest.raises(SightkitError, match="at least one batch"):
        learning_rate_finder(model, [])
    with pytest.raises(SightkitError, match="and compiled"):
        learning_rate_finder(keras.Sequential([keras.layers.Dense(1)]), data)
