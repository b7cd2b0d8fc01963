from __future__ import annotations

import keras
import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.callbacks import BestCheckpoint


def network(value=0.0):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, use_bias=False)])
    set_to(model, value)
    return model


def set_to(model, value):
    model.set_weights([np.full((2, 1), value, np.float32)])


def saved_in(path):
    model = network()
    model.load_weights(path)
    return float(model.get_weights()[0][0, 0])


def feed(callback, values, first=0, key="val_loss"):
    """Epochs with these values; the weights of epoch k are k."""
    callback.set_model(network())
    for epoch, value in enumerate(values, start=first):
        set_to(callback.model, epoch)
        callback.on_epoch_end(epoch, {"loss": 1.0, key: value})


@pytest.fixture
def path(tmp_path):
    return tmp_path / "new" / "best.weights.h5"


@pytest.mark.parametrize(
    ("mode", "values", "best"),
    (
        ("min", [3, 1, 2], 1),
        ("max", [3, 1, 2], 0),
        ("max", [1, 2, 3], 2),
        ("min", [2, 2, 2], 0),
        ("min", [float("nan"), 5, float("nan")], 1),
        ("max", [float("nan"), 5, float("nan"), 4], 1),
        ("min", [4, float("-inf"), 3], 2),
        ("max", [4, float("inf"), 3], 0),
    ),
)
def test_the_weights_of_the_best_epoch_are_kept(mode, values, best, path):
    callback = BestCheckpoint(path, mode=mode)
    feed(callback, values)
    assert saved_in(path) == best
    assert (callback.best, callback.best_epoch) == (values[best], best)
    callback.on_train_end()
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("epochs", "best"),
    (
        ([(3.4, 0.06), (12.0, 0.2), (3.5, 0.41)], 2),  # of lowest loss while it still guessed
        ([(1.0, 0.52), (1.1, 0.55), (1.2, 0.5)], 0),  # within the error of 0.08
        ([(2.0, 0.2), (1.0, 0.5), (0.9, 0.45), (0.8, 0.4)], 2),
        ([(1.0, 0.5), (float("nan"), 0.9)], 0),
        ([(2.0, None), (1.0, None), (3.0, None)], 1),  # a regression has no accuracy
    ),
)
def test_only_an_epoch_of_about_the_highest_accuracy_is_the_best(epochs, best, path):
    callback = BestCheckpoint(path, images=40)
    for epoch, (loss, accuracy) in enumerate(epochs):
        resumed = BestCheckpoint(path, images=40)
        resumed.set_state(callback.get_state())
        callback = resumed
        callback.set_model(network(epoch))
        logs = {"val_loss": loss} | ({} if accuracy is None else {"val_accuracy": accuracy})
        callback.on_epoch_end(epoch, logs)
    assert (callback.best_epoch, saved_in(path)) == (best, best)


def test_kill_before_the_checkpoint_restores_the_former_best(path):
    callback = BestCheckpoint(path)
    feed(callback, [3, 2])
    state = callback.get_state()  # the last checkpoint; what follows, no checkpoint knows
    feed(callback, [1], first=2)
    for _ in range(2):  # killed again, and again before a checkpoint
        resumed = BestCheckpoint(path)
        resumed.set_state(state)
        assert saved_in(path) == 1
        feed(resumed, [0.5], first=3)
    resumed = BestCheckpoint(path)
    resumed.set_state(state)
    resumed.set_model(network(9))
    resumed.restore()
    assert resumed.model.get_weights()[0][0, 0] == 1


def test_the_former_best_is_kept_where_there_are_no_hard_links(path, monkeypatch):
    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr("os.link", refuse)
    callback = BestCheckpoint(path)
    feed(callback, [3, 2])
    assert saved_in(callback.former.rename(path.with_name("a.weights.h5"))) == 0


def test_where_nothing_was_finite_nothing_is_best(path):
    callback = BestCheckpoint(path)
    feed(callback, [float("nan"), float("inf")])
    assert (callback.best, callback.best_epoch) == (None, None)
    assert not path.exists()


def test_a_restart_does_not_forget(path):
    first = BestCheckpoint(path)
    feed(first, [3.0, 1.0])
    second = BestCheckpoint(path)
    second.set_state(first.get_state())
    feed(second, [2.0, 1.5], first=2)
    assert saved_in(path) == 1
    assert second.best_epoch == 1
    feed(second, [0.5], first=4)
    assert saved_in(path) == 4


@pytest.mark.parametrize("logs", (None, {}, {"loss": 1.0, "acuracy": 0.5}))
def test_a_missing_value_is_told_with_those_there_are(logs, path):
    callback = BestCheckpoint(path, monitor="val_accuracy", mode="max")
    callback.set_model(network())
    with pytest.raises(SightkitError, match="Received: monitor='val_accuracy'") as refused:
        callback.on_epoch_end(0, logs)
    assert all(name in str(refused.value) for name in logs or {})


def test_values_of_the_backend_are_taken(path):
    callback = BestCheckpoint(path, monitor="val_accuracy", mode="max")
    feed(callback, [np.float32(0.5), keras.ops.convert_to_tensor(0.75)], key="val_accuracy")
    assert callback.best_epoch == 1
    assert isinstance(callback.best, float)


def test_an_error_while_writing_keeps_the_former_best(path, monkeypatch):
    callback = BestCheckpoint(path)
    feed(callback, [3.0])

    def half(network, path):
        path.write_bytes(b"half")
        raise RuntimeError("disk gone")

    monkeypatch.setattr("sightkit.callbacks.best_checkpoint.save_weights", half)
    with pytest.raises(RuntimeError):
        callback.on_epoch_end(1, {"val_loss": 2.0})
    assert saved_in(path) == 0
    assert callback.best == 3.0
    assert {each for each in path.parent.iterdir()} == {path, callback.former}


def names(path):
    return sorted(each.name for each in path.parent.iterdir())


def test_each_improvement_has_a_file_where_that_is_asked_for(path):
    callback = BestCheckpoint(path, keep="improvements")
    feed(callback, [3, 4, float("nan"), 1, 2])
    callback.on_train_end()
    first, fourth = "best-epoch-00001.weights.h5", "best-epoch-00004.weights.h5"
    assert names(path) == [first, fourth, "best.weights.h5"]
    assert saved_in(path.with_name(first)) == 0
    assert saved_in(path.with_name(fourth)) == saved_in(path) == 3
    assert callback.improvement(3) == path.with_name(fourth)


def test_resume_forgets_improvements_without_a_checkpoint(path):
    callback = BestCheckpoint(path, keep="improvements")
    feed(callback, [3, 2])
    state = callback.get_state()
    feed(callback, [1], first=2)
    others = path.with_name("best-epoch-old.weights.h5")
    others.write_bytes(b"not ours")
    resumed = BestCheckpoint(path, keep="improvements")
    resumed.set_state(state)
    resumed.on_train_end()
    assert names(path) == [
        "best-epoch-00001.weights.h5",
        "best-epoch-00002.weights.h5",
        others.name,
        "best.weights.h5",
    ]
    assert saved_in(path) == 1


@pytest.mark.parametrize(
    "arguments",
    ({"path": "best.h5"}, {"path": "best.keras"}, {"mode": "auto"}, {"mode": "MIN"}, {"keep": 3}),
)
def test_names_and_modes_that_it_does_not_know_are_refused(arguments, path):
    with pytest.raises(SightkitError, match="Received"):
        BestCheckpoint(**{"path": path, **arguments})


@pytest.mark.parametrize(
    ("name", "value"), [("best", "0.5"), ("best", [0.5]), ("best_epoch", 1.5), ("sha256", 7)]
)
def test_a_state_of_other_types_is_refused(name, value, tmp_path):
    callback = BestCheckpoint(tmp_path / "best.weights.h5")
    state = callback.get_state()
    callback.set_state(state)
    with pytest.raises(ValueError):
        callback.set_state({**state, name: value})
