"""What holds for every callback there is: a new one is tested by existing."""

from __future__ import annotations

import functools
import inspect
import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

from sightkit import callbacks
from sightkit.callbacks import StatefulCallback

HOOKS = [name for name in dir(keras.callbacks.Callback) if name.startswith("on_")]
NAMES = [
    name
    for name in callbacks.__all__
    if inspect.isclass(getattr(callbacks, name))
    and issubclass(getattr(callbacks, name), keras.callbacks.Callback)
    and name != "StatefulCallback"
]
STATEFUL = [name for name in NAMES if issubclass(getattr(callbacks, name), StatefulCallback)]
# Arguments for those that cannot be made without; each gets a folder of its own.
ARGUMENTS = {
    "BestCheckpoint": lambda folder: {"path": folder / "best.weights.h5"},
    "EpochCheckpoint": lambda folder: {"folder": folder},
    "SnapshotCycles": lambda folder: {"folder": folder, "every": 1, "highest": 0.1},
    "TrainingMonitor": lambda folder: {"folder": folder},
    "UpdateRatioMonitor": lambda folder: {"folder": folder, "probe": np.ones((2, 4), "float32")},
}


def make(name: str, folder: Path) -> keras.callbacks.Callback:
    folder.mkdir(exist_ok=True)
    return getattr(callbacks, name)(**ARGUMENTS.get(name, lambda folder: {})(folder))


def network(eager: bool = False) -> keras.Model:
    layer = keras.layers.Dense(3, activation="softmax", name="dense")
    model = keras.Sequential([keras.Input((4,)), layer], name="network")
    model.compile(
        keras.optimizers.SGD(0.1),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        run_eagerly=eager,
    )
    return model


def train(
    callback: keras.callbacks.Callback | None,
    epochs: int = 2,
    first: int = 0,
    start: list[bytes] | None = None,
    eager: bool = True,
) -> list[bytes]:
    """Train a network that is always the same, or goes on from ``start``; its weights."""
    rng = np.random.default_rng(0)
    x, y = rng.random((24, 4)).astype("float32"), rng.integers(0, 3, 24)
    data = {"validation_data": (x, y), "batch_size": 8, "verbose": 0, "shuffle": False}
    model = network(eager)  # tracing so small a network takes longer than all its steps
    values = start or [rng.normal(size=w.shape).astype("float32").tobytes() for w in model.weights]
    model.set_weights(
        [
            np.frombuffer(value, "float32").reshape(weight.shape)
            for value, weight in zip(values, model.weights, strict=True)
        ]
    )
    callbacks = [] if callback is None else [callback]
    model.fit(x, y, epochs=first + epochs, initial_epoch=first, callbacks=callbacks, **data)
    return [weight.tobytes() for weight in model.get_weights()]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A callback after a traced training, and its folder; not to be changed."""

    @functools.cache
    def trained(name: str) -> tuple[keras.callbacks.Callback, Path]:
        folder = tmp_path_factory.mktemp(name)
        callback = make(name, folder)
        train(callback, eager=False)
        return callback, folder

    return trained


@pytest.fixture(scope="module")
def alone() -> list[bytes]:
    return train(None, epochs=3)


def test_there_are_callbacks():
    assert NAMES


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_plain_fit_takes_it(name, trained):
    trained(name)


@pytest.mark.parametrize("name", NAMES)
def test_its_hooks_have_keras_arguments_and_need_no_logs(name):
    for hook in HOOKS:
        ours = inspect.signature(getattr(getattr(callbacks, name), hook))
        theirs = inspect.signature(getattr(keras.callbacks.Callback, hook))
        assert list(ours.parameters) == list(theirs.parameters)
        assert ours.parameters["logs"].default is None


@pytest.mark.parametrize("name", NAMES)
def test_it_may_begin_and_end_without_an_epoch_in_between(name, tmp_path):
    callback = make(name, tmp_path / "a")
    callback.set_model(network())
    for hook in ("on_train_begin", "on_train_end"):
        getattr(callback, hook)()
        getattr(callback, hook)(None)


# These are there to change a training, if only after its end.
ACTING = {"AdaptiveRate", "SnapshotCycles"}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(NAMES) - ACTING))
def test_it_changes_no_bit_of_a_training(name, alone, tmp_path):
    assert train(make(name, tmp_path / "a"), epochs=3) == alone


@pytest.mark.slow
@pytest.mark.parametrize("name", STATEFUL)
def test_a_resumed_one_ends_as_one_that_was_never_stopped(name, tmp_path):
    whole = make(name, tmp_path / "whole")
    train(whole, epochs=3)
    first = make(name, tmp_path / "killed")
    killed = train(first, epochs=2)
    state = json.loads(json.dumps(first.get_state(), allow_nan=False))
    second = make(name, tmp_path / "killed")
    second.set_state(state)
    train(second, epochs=1, first=2, start=killed)
    assert second.get_state().keys() == whole.get_state().keys()
    assert without_hashes(second.get_state()) == without_hashes(whole.get_state())


def without_hashes(state: dict) -> dict:
    """An HDF5 file's bytes say when it was written."""
    return {key: value for key, value in state.items() if key != "sha256"}


@pytest.mark.parametrize("name", NAMES)
def test_it_leaves_no_half_written_file(name, trained):
    _, folder = trained(name)
    written = sorted(path.name for path in folder.rglob("*"))
    assert not [each for each in written if "partial" in each]


@pytest.mark.parametrize("name", STATEFUL)
def test_a_new_one_has_a_state_too(name, tmp_path):
    state = make(name, tmp_path / "a").get_state()
    other = make(name, tmp_path / "b")
    other.set_state(json.loads(json.dumps(state, allow_nan=False)))
    assert other.get_state() == state


@pytest.mark.slow
@pytest.mark.parametrize("name", STATEFUL)
def test_its_state_survives_json_and_goes_on_where_it_was(name, trained, tmp_path):
    first, folder = trained(name)
    state = json.loads(json.dumps(first.get_state(), allow_nan=False))
    assert state == first.get_state()
    assert state != make(name, tmp_path / "b").get_state()
    shutil.copytree(folder, tmp_path / "b", dirs_exist_ok=True)
    second = make(name, tmp_path / "b")
    second.set_state(state)
    assert second.get_state() == state
    train(second, epochs=1, first=2)


@pytest.mark.slow
@pytest.mark.parametrize("name", STATEFUL)
def test_what_get_state_gave_does_not_change_later(name, tmp_path):
    callback = make(name, tmp_path / "a")
    train(callback)
    state = callback.get_state()
    text = json.dumps(state)
    train(callback, epochs=1, first=2)
    assert json.dumps(state) == text
