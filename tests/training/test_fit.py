"""``fit`` as it is called in a notebook: arrays, paths, Keras' callbacks, networks of any form."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import keras
import numpy as np
import pytest

from sightkit import _scripts, io, training
from sightkit._errors import SightkitError
from sightkit.training import fit
from sightkit.training.notebook import as_batches
from sightkit.training.resumed_callbacks import Memory, resumable

L, K = keras.layers, keras.callbacks
CLASSES = 3


@dataclasses.dataclass(frozen=True)
class Config(training.RunConfig):
    output: Path


@pytest.fixture(autouse=True)
def _notebook(monkeypatch):
    monkeypatch.setattr(_scripts, "command_line", False)


def data(count=96, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(count) % CLASSES
    x = rng.random((count, 8, 8, 1)).astype("float32") + y[:, None, None, None]
    return x / CLASSES, y


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.parts = [L.Conv2D(4, 3, activation="relu"), L.Flatten(), L.Dense(CLASSES, "softmax")]

    def call(self, x):
        for part in self.parts:
            x = part(x)
        return x


def functional(rate=0.01, units=4):
    keras.utils.set_random_seed(3)
    images = keras.Input((8, 8, 1))
    x = L.Flatten()(L.Conv2D(units, 3, activation="relu")(images))
    return ready(keras.Model(images, L.Dense(CLASSES, activation="softmax")(x)), rate)


def ready(network, rate=0.01):
    optimizer = keras.optimizers.SGD(rate, momentum=0.9)
    network.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return network


def train(network, folder, epochs=2, **options):
    return fit(network, data(), data(24, 1), run=str(folder), epochs=epochs, **options)


def weights(network):
    return [np.array(w) for w in network.get_weights()]


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.slow
def test_arrays_and_a_path_are_a_run(tmp_path):
    rows = train(functional(), tmp_path / "runs" / "mine")
    assert [row["epoch"] for row in rows] == [1, 2]
    assert rows[1]["val_loss"] < rows[0]["val_loss"]
    assert (tmp_path / "runs" / "mine" / "history.csv").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("again", ("the same network", "a network made anew"))
def test_the_same_call_twice_trains_once(tmp_path, again):
    network = functional()
    first = train(network, tmp_path / "run")
    found = weights(network)
    network = network if again == "the same network" else functional()
    assert train(network, tmp_path / "run") == first
    assert same(weights(network), found)


@pytest.mark.slow
def test_more_epochs_go_on_as_if_never_stopped(tmp_path):
    straight, stopped = functional(), functional()
    expected = train(straight, tmp_path / "straight", epochs=4)
    train(stopped, tmp_path / "stopped", epochs=2)
    assert train(functional(), tmp_path / "stopped", epochs=4) == expected


@pytest.mark.slow
@pytest.mark.parametrize(
    ("other", "named"),
    (
        ({"rate": 0.02}, "optimizer"),
        ({"units": 5}, "network"),
        ({"batch_size": 16}, "batch_size"),
        ({"seed": 1}, "seed"),
    ),
)
def test_another_training_is_refused_in_the_folder_of_a_run(tmp_path, other, named):
    train(functional(), tmp_path / "run")
    network = functional(**{k: v for k, v in other.items() if k in ("rate", "units")})
    options = {k: v for k, v in other.items() if k in ("batch_size", "seed")}
    with pytest.raises(SightkitError, match=rf"{named}: .* there, .*overwrite=True"):
        train(network, tmp_path / "run", **options)
    train(network, tmp_path / "run", overwrite=True, **options)


@pytest.mark.slow
def test_other_arrays_are_refused_in_the_folder_of_a_run(tmp_path):
    train(functional(), tmp_path / "run")
    with pytest.raises(SightkitError, match="its own data"):
        fit(functional(), data(96, 7), data(24, 1), run=tmp_path / "run", epochs=2)


@pytest.mark.slow
def test_an_interrupted_run_ends_as_a_straight_one(tmp_path):
    """Stopped within the second epoch, by an error that is no signal."""

    class Stop(Exception):
        pass

    def stop(batch, logs=None):
        calls.append(batch)
        if len(calls) == 5:
            raise Stop

    calls: list[int] = []
    callbacks = [K.EarlyStopping(patience=2), K.ReduceLROnPlateau(patience=1, min_delta=10)]
    straight, broken = functional(), functional()
    expected = train(straight, tmp_path / "a", epochs=5, callbacks=callbacks)
    halting = K.LambdaCallback(on_train_batch_end=stop)
    again = [K.EarlyStopping(patience=2), K.ReduceLROnPlateau(patience=1, min_delta=10)]
    with pytest.raises(Stop):
        train(broken, tmp_path / "b", epochs=5, callbacks=[*again, halting])
    resumed = functional()
    fresh = [K.EarlyStopping(patience=2), K.ReduceLROnPlateau(patience=1, min_delta=10)]
    assert train(resumed, tmp_path / "b", epochs=5, callbacks=fresh) == expected
    assert same(weights(straight), weights(resumed))
    assert expected[-1]["learning_rate"] < 0.01  # the plateau's counter came through the stop


@pytest.mark.parametrize("kind", (K.EarlyStopping, K.ReduceLROnPlateau))
def test_a_callback_of_keras_gets_back_what_it_remembers(kind):
    first, second = Memory(kind()), Memory(kind())
    first.callback.on_train_begin()
    first.callback.best, first.callback.wait = 0.1 + 0.2, 3
    second.set_state(json.loads(json.dumps(first.get_state(), allow_nan=False)))
    second.callback.on_train_begin()
    second.on_train_begin()
    assert (second.callback.best, second.callback.wait) == (0.1 + 0.2, 3)
    assert isinstance(second.callback.wait, int)


@pytest.mark.parametrize(
    ("callback", "ours"),
    (
        (K.ModelCheckpoint("m.keras"), "EpochCheckpoint"),
        (K.CSVLogger("log.csv"), "history.csv"),
        (K.BackupAndRestore("b"), "goes on"),
        (type("Counter", (K.Callback,), {})(), "StatefulCallback"),
        (type("Mine", (K.EarlyStopping,), {})(), "StatefulCallback"),
    ),
)
def test_a_callback_that_cannot_be_resumed_is_answered_with_ours(callback, ours):
    with pytest.raises(SightkitError, match=rf"{ours}|callback={type(callback).__name__}") as found:
        resumable([callback])
    assert ours in str(found.value)


class Sequence(keras.utils.PyDataset):
    def __len__(self):
        return 3

    def __getitem__(self, index):
        return data(8)


def tensors():
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices(data()).batch(8)


@pytest.mark.parametrize(
    "given",
    (
        tensors,
        lambda: data()[0],
        Sequence,
        lambda: iter([data()]),
        lambda: None,
        lambda: "photos",
        lambda: {"x": 1},
        lambda: (data()[0],),
        lambda: (data()[0], data()[1][:5]),
        lambda: (np.zeros((0, 8, 8, 1)), np.zeros(0)),
    ),
)
def test_other_data_are_refused_with_the_way(given):
    with pytest.raises(SightkitError, match="arrays") as found:
        as_batches(given(), "training", batch_size=None, shuffle=True, seed=None)
    assert "\n" not in str(found.value)


@pytest.mark.slow
@pytest.mark.parametrize("form", (tuple, list))
@pytest.mark.parametrize("labels", ("indices", "one-hot", "weights"))
def test_arrays_of_each_form_train(tmp_path, form, labels):
    network, (x, y), (other, truth) = functional(), data(), data(24, 1)
    if labels == "one-hot":
        network.compile("sgd", "categorical_crossentropy", metrics=["accuracy"])
        y, truth = io.one_hot(y, CLASSES), io.one_hot(truth, CLASSES)
    given = (x, y, np.ones(len(y))) if labels == "weights" else (x, y)
    rows = fit(network, form(given), form((other, truth)), run=tmp_path / "run", epochs=1)
    assert np.isfinite(rows[0]["loss"])


def test_batches_of_arrays_are_a_function_of_seed_and_epoch():
    first, second = (io.ArrayBatches(*data(), shuffle=True, seed=5) for _ in range(2))
    first.set_epoch(4)
    second.set_epoch(4, first_batch=1)
    assert np.array_equal(first[1][0], second[0][0])
    assert sorted(first.rows(4)) == list(range(96))
    assert not np.array_equal(first.rows(4), first.rows(5))
    assert first.sha256 == second.sha256 != io.ArrayBatches(*data(seed=1)).sha256


@pytest.mark.slow
@pytest.mark.parametrize(
    "make",
    (
        Subclassed,
        lambda: keras.Sequential([L.Flatten(), L.Dense(CLASSES, "softmax")]),
        lambda: keras.Sequential(
            [keras.Sequential([L.Conv2D(4, 3, activation="relu"), L.Flatten()]), L.Dense(CLASSES)]
        ),
    ),
    ids=("subclassed", "sequential without input", "nested without input"),
)
def test_a_network_that_has_not_seen_its_input_is_trained(tmp_path, make):
    rows = train(ready(make()), tmp_path / "run", preflight=False)
    assert len(rows) == 2


@pytest.mark.parametrize("network", (None, "lenet", keras.Sequential([L.Dense(2)])))
def test_a_network_that_is_not_compiled_is_refused(tmp_path, network):
    with pytest.raises(SightkitError, match="compile"):
        train(network, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    (
        ({"validation_data": data()}, r"training\.fit\(network, \(x, y\)"),
        ({"class_weight": {0: 1.0}}, "io.class_weights"),
        ({"shuffle": True}, "Leave it out"),
        ({"batchsize": 3}, "batch_size"),
        ({"phase": "head"}, "Run"),
    ),
)
def test_arguments_of_keras_are_answered(tmp_path, options, message):
    with pytest.raises(SightkitError, match=message):
        train(functional(), tmp_path / "run", **options)


@pytest.mark.slow
def test_the_answer_to_class_weight_runs(tmp_path):
    with pytest.raises(SightkitError) as found:
        train(functional(), tmp_path / "run", class_weight={0: 1.0})
    made, weighted = re.search(r"Write (.*?), and give (.*?); or", str(found.value)).groups()
    x, y = data()
    names = {"io": io, "np": np, "x": x, "y": y}
    exec(made, names)
    given = eval(weighted, names)
    assert len(given[2]) == len(y)
    fit(functional(), given, data(24, 1), run=tmp_path / "run", epochs=1)


def test_a_run_with_more_epochs_says_so(tmp_path, capsys):
    train(functional(), tmp_path / "run", epochs=2, preflight=False)
    capsys.readouterr()
    train(functional(), tmp_path / "run", epochs=1)
    said = capsys.readouterr().out
    assert "trained for 2 epochs already, and 1 are requested" in said and "Resuming" not in said


@pytest.mark.slow
def test_data_of_a_file_and_arrays_have_one_door(tmp_path, write_dataset):
    generator = io.HDF5DatasetGenerator(write_dataset(), 8)
    with pytest.raises(SightkitError, match="for arrays"):
        fit(functional(), generator, generator, run=tmp_path, epochs=1, batch_size=4)
    with training.Run.open(Config(str(tmp_path / "run")), experiment="x") as run:
        with pytest.raises(SightkitError, match="overwrite"):
            fit(functional(), data(), data(), run=run, epochs=1, overwrite=True)
        assert len(fit(functional(), data(), data(24, 1), run=run, epochs=1)) == 1
    assert "arrays in memory" in (tmp_path / "run" / "environment.json").read_text()


def test_a_guard_is_on_or_off(tmp_path):
    with pytest.raises(SightkitError, match="guard must be True or False"):
        fit(functional(), data(), data(), run=tmp_path, epochs=1, guard="off")


def test_grey_images_without_their_channel_are_told_how_to_get_it(tmp_path, capsys):
    (x, y), (others, truth) = data(), data(24, 1)
    with pytest.raises(SightkitError, match="no check fails"):
        fit(functional(), (x[..., 0], y), (others[..., 0], truth), run=tmp_path / "r", epochs=1)
    assert "x[..., None]" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("every_epoch", (True, False))
def test_the_average_is_of_the_last_epochs_whichever_was_best(every_epoch, tmp_path):
    made = training.with_weight_average(keras.optimizers.SGD, start=0 if every_epoch else 11)
    network, seen = functional(), []
    network.compile(made(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    x, y = data(24, 1)
    wrong = x, (y + 1) % CLASSES  # the better it learns, the worse: the first epoch is the best
    noting = K.LambdaCallback(on_train_end=lambda logs: seen.append(weights(network)))
    fit(network, data(), wrong, run=str(tmp_path), epochs=4, callbacks=[noting], preflight=False)
    assert network.optimizer.averaged == (12 if every_epoch else 1)
    averages = [keras.ops.convert_to_numpy(a.value) for _, a in network.optimizer.averages]
    assert not same(seen[0], weights(network))
    assert same(seen[0], averages) == (not every_epoch)


@pytest.mark.slow
def test_a_step_is_traced_once(tmp_path, monkeypatch):
    """TensorFlow traces a step that makes variables, as Keras' metrics do at first, twice."""
    traced = []
    step = keras.Model.train_step
    monkeypatch.setattr(
        keras.Model, "train_step", lambda self, data: traced.append(1) or step(self, data)
    )
    train(functional(), tmp_path / "run", epochs=1)
    assert len(traced) == 1
