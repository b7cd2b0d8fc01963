from __future__ import annotations

import csv
import json

import cv2
import keras
import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.callbacks import UpdateRatioMonitor
from sightkit.callbacks.dead_units import dead_units
from sightkit.callbacks.update_picture import draw_updates

RNG = np.random.default_rng(0)
X = RNG.random((40, 8, 8, 1)).astype("float32")
Y = RNG.integers(0, 3, 40)


def network(rate=0.1, **options):
    keras.utils.set_random_seed(1)
    images = keras.Input((8, 8, 1))
    x = keras.layers.Conv2D(4, 3, activation="relu", name="convolution")(images)
    x = keras.layers.BatchNormalization(name="normalization")(x)
    x = keras.layers.Dropout(0.5)(keras.layers.Flatten()(x))
    model = keras.Model(images, keras.layers.Dense(3, activation="softmax", name="head")(x))
    model.compile(keras.optimizers.SGD(rate), "sparse_categorical_crossentropy", **options)
    return model


def fit(model, *callbacks, epochs=2, **options):
    options = {"batch_size": 4, "shuffle": False, "verbose": 0, **options}
    model.fit(X, Y, epochs=epochs, callbacks=[*callbacks], **options)
    return model


class Kernels(keras.callbacks.Callback):
    """Every kernel before every step, and after the last: a simple reference."""

    def on_train_begin(self, logs=None):
        self.seen = []

    def on_train_batch_begin(self, batch, logs=None):
        self.seen.append(self.kernels())

    def on_train_end(self, logs=None):
        self.seen.append(self.kernels())

    def kernels(self):
        return [np.array(v) for v in self.model.get_weights() if v.ndim > 1]


def reference(seen, step, layer):
    before, after = seen[step][layer], seen[step + 1][layer]
    return np.linalg.norm(after - before) / np.linalg.norm(before)


def test_the_middle_step_of_an_epoch_is_measured(tmp_path):
    monitor, kernels = UpdateRatioMonitor(tmp_path), Kernels()
    fit(network(), monitor, kernels)
    found = [(row["epoch"], row["batch"], row["layer"]) for row in monitor.rows]
    assert found == [(e, 6, layer) for e in (1, 2) for layer in ("convolution", "head")]
    for row, (step, layer) in zip(monitor.rows, [(5, 0), (5, 1), (15, 0), (15, 1)], strict=True):
        assert row["ratio"] == pytest.approx(reference(kernels.seen, step, layer), rel=1e-5)
        assert row["ratio"] == pytest.approx(row["update_norm"] / row["weight_norm"])


def test_every_kth_step_is_measured_the_last_of_an_epoch_too(tmp_path):
    monitor, kernels = UpdateRatioMonitor(tmp_path, every=5), Kernels()
    fit(network(), monitor, kernels)
    heads = [row for row in monitor.rows if row["layer"] == "head"]
    assert [(row["epoch"], row["batch"]) for row in heads] == [(1, 5), (1, 10), (2, 5), (2, 10)]
    for row, step in zip(heads, (4, 9, 14, 19), strict=True):
        assert row["ratio"] == pytest.approx(reference(kernels.seen, step, 1), rel=1e-5)


def test_the_update_of_an_execution_is_divided_by_its_steps(tmp_path):
    monitor, kernels = UpdateRatioMonitor(tmp_path), Kernels()
    fit(network(steps_per_execution=5), monitor, kernels)
    assert [row["batch"] for row in monitor.rows] == [6] * 4
    for row, step in zip(monitor.rows[1::2], (1, 3), strict=True):  # the second of two executions
        expected = reference(kernels.seen, step, 1) / 5
        assert row["ratio"] == pytest.approx(expected, rel=1e-5)


def test_plain_descent_has_the_ratio_that_can_be_computed(tmp_path):
    """w = 2, loss w²: the gradient is 4, a step 0.01 · 4."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.set_weights([np.full((1, 1), 2.0)])
    model.compile(keras.optimizers.SGD(0.01), "mse")
    monitor = UpdateRatioMonitor(tmp_path)
    model.fit(np.ones((1, 1)), np.zeros((1, 1)), callbacks=[monitor], verbose=0)
    assert monitor.rows[0]["update_norm"] == pytest.approx(0.04, rel=1e-5)
    assert monitor.rows[0]["ratio"] == pytest.approx(0.02, rel=1e-5)


@pytest.mark.slow
def test_the_training_is_not_changed_by_a_bit(tmp_path):
    alone = fit(network()).get_weights()
    watched = fit(network(), UpdateRatioMonitor(tmp_path, every=1, probe=X[:4])).get_weights()
    assert [w.tobytes() for w in alone] == [w.tobytes() for w in watched]


@pytest.mark.slow
def test_dead_units_are_counted(tmp_path):
    model = network(rate=1e-12)
    kernel, _ = model.get_layer("convolution").get_weights()
    model.get_layer("convolution").set_weights([np.abs(kernel), np.array([-99, 0, -99, -99])])
    monitor = UpdateRatioMonitor(tmp_path, probe=X[:8])
    fit(model, monitor, epochs=1)
    assert [row for row in monitor.rows if "dead_share" in row] == [
        {"epoch": 1, "layer": "convolution", "dead_share": 0.75}
    ]
    assert any(
        line.startswith("convolution: 75% of its ReLUs are dead") for line in monitor.advice()
    )


def test_a_unit_that_fires_once_anywhere_is_alive():
    images = keras.Input((2, 2, 1))
    model = keras.Model(images, keras.layers.Conv2D(2, 1, activation="relu", name="c")(images))
    model.set_weights([np.array([[[[1.0, -1.0]]]]), np.zeros(2)])
    probe = np.zeros((5, 2, 2, 1), np.float32)
    assert dead_units(model, probe) == {"c": 1.0}
    probe[3, 1, 0] = 1e-3
    assert dead_units(model, probe) == {"c": 0.5}


def test_the_probe_runs_as_in_inference():
    """The moving mean kills the unit; the mean of the probe would not."""
    images = keras.Input((3,))
    x = keras.layers.BatchNormalization(name="normalization")(images)
    model = keras.Model(images, keras.layers.ReLU(name="relu")(x))
    gamma, beta, _, variance = model.get_weights()
    model.set_weights([gamma, beta, np.array([0.0, 9.0, 9.0]), variance])
    before = [weight.tobytes() for weight in model.get_weights()]
    shares = dead_units(model, RNG.random((8, 3)).astype("float32"))
    assert shares == {"relu": pytest.approx(2 / 3)}
    assert [weight.tobytes() for weight in model.get_weights()] == before


def test_relus_are_found_and_others_are_not():
    layers = keras.layers
    images = keras.Input((4,))
    x = layers.ReLU(name="layer")(layers.Dense(3, name="linear")(images))
    x = layers.Activation("relu", name="activation")(x)
    x = layers.ReLU(negative_slope=0.1, name="leaky")(x)
    x = layers.Dense(3, activation="relu6", name="six")(x)
    x = layers.Dense(3, activation="elu", name="elu")(x)
    shared = layers.Dense(3, activation="relu", name="shared")
    model = keras.Model(images, shared(shared(x)))
    probe = np.ones((1, 4), np.float32)
    assert list(dead_units(model, probe)) == ["layer", "activation", "six", "shared"]
    assert dead_units(keras.Model(images, layers.Dense(2)(images)), probe) == {}


@pytest.mark.slow
def test_what_is_written_can_be_read_and_looked_at(tmp_path):
    monitor = UpdateRatioMonitor(tmp_path, probe=X[:4])
    fit(network(), monitor, epochs=3)
    with open(tmp_path / "updates.csv", newline="") as file:
        table = list(csv.DictReader(file))
    assert len(table) == len(monitor.rows) == 9
    assert float(table[0]["ratio"]) == monitor.rows[0]["ratio"]
    assert float(table[2]["dead_share"]) == monitor.rows[2]["dead_share"]
    assert table[2]["ratio"] == ""
    assert cv2.imread(str(tmp_path / "updates.png")).shape == (720, 768, 3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["updates.csv", "updates.png"]


@pytest.mark.slow
def test_a_resumed_run_forgets_rows_after_its_checkpoint(tmp_path):
    first = UpdateRatioMonitor(tmp_path, probe=X[:4])
    fit(network(), first, epochs=2)
    state = json.loads(json.dumps(first.get_state(), allow_nan=False))
    text = (tmp_path / "updates.csv").read_bytes()
    fit(network(), first, epochs=1)
    second = UpdateRatioMonitor(tmp_path, probe=X[:4])
    second.set_state(state)
    assert (tmp_path / "updates.csv").read_bytes() == text
    assert second.get_state() == state
    assert second.rows == first.rows[:6]


@pytest.mark.slow
@pytest.mark.parametrize(("rate", "word"), ((1e3, "lower"), (0.01, None), (1e-6, "raise")))
def test_the_advice_follows_the_ratio(rate, word, tmp_path):
    monitor = UpdateRatioMonitor(tmp_path)
    fit(network(rate), monitor)
    advice = monitor.advice()
    assert len(advice) == (2 if word else 0)
    assert all(f"{word} the learning rate" in line for line in advice)


@pytest.mark.parametrize(
    "rows",
    (
        [],
        [{"epoch": 1, "batch": 1, "layer": "a", "ratio": 0.0}],
        [{"epoch": 1, "batch": 1, "layer": "a", "ratio": float("inf")}],
        [{"epoch": 1, "layer": "a", "dead_share": 1.0}],
    ),
)
def test_any_rows_can_be_drawn(rows, tmp_path):
    draw_updates(rows, tmp_path / "updates.png")
    assert cv2.imread(str(tmp_path / "updates.png")) is not None


def test_values_that_make_no_sense_are_refused(tmp_path):
    with pytest.raises(SightkitError, match="every must be at least 1"):
        UpdateRatioMonitor(tmp_path, every=0)
    with pytest.raises(SightkitError, match="at least one image"):
        UpdateRatioMonitor(tmp_path, probe=X[:0])
