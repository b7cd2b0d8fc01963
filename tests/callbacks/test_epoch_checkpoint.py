from __future__ import annotations

import keras
import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.callbacks import EpochCheckpoint


def network(value=0.0):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, use_bias=False)])
    model.set_weights([np.full((2, 1), value, np.float32)])
    return model


def feed(callback, epochs):
    """Epochs at whose end the weights are the epoch's number."""
    for epoch in epochs:
        callback.set_model(network(epoch))
        callback.on_epoch_end(epoch, {})


def saved(folder):
    found = {}
    for path in sorted(folder.iterdir()):
        model = network()
        model.load_weights(path)
        found[path.name.removesuffix(".weights.h5")] = float(model.get_weights()[0][0, 0])
    return found


@pytest.mark.parametrize(
    ("arguments", "expected"),
    (
        ({}, {"epoch-00001": 0, "epoch-00002": 1, "epoch-00003": 2, "epoch-00004": 3}),
        ({"every": 2}, {"epoch-00002": 1, "epoch-00004": 3}),
        ({"keep": 1}, {"epoch-00004": 3}),
        ({"every": 2, "keep": 1}, {"epoch-00004": 3}),
        ({"every": 3, "keep": 2}, {"epoch-00003": 2}),
    ),
)
def test_every_nth_epoch_is_kept(arguments, expected, tmp_path):
    feed(EpochCheckpoint(tmp_path / "new" / "folder", **arguments), range(4))
    assert saved(tmp_path / "new" / "folder") == expected


def test_a_resumed_run_goes_on_counting_what_it_keeps(tmp_path):
    first = EpochCheckpoint(tmp_path, keep=2)
    feed(first, range(3))
    state = first.get_state()
    feed(first, [3])  # killed after this, before the checkpoint
    second = EpochCheckpoint(tmp_path, keep=2)
    second.set_state(state)
    feed(second, [3, 4])
    assert saved(tmp_path) == {"epoch-00004": 3, "epoch-00005": 4}
    assert second.saved == [3, 4]


def test_write_error_leaves_the_old_files_and_no_partial_one(tmp_path, monkeypatch):
    callback = EpochCheckpoint(tmp_path, keep=1)
    feed(callback, [0])
    callback.set_model(network(1))

    def half(network, path):
        path.write_bytes(b"half")
        raise RuntimeError("disk gone")

    monkeypatch.setattr("sightkit.callbacks.epoch_checkpoint.save_weights", half)
    with pytest.raises(RuntimeError):
        callback.on_epoch_end(1)
    assert saved(tmp_path) == {"epoch-00001": 0}


@pytest.mark.parametrize("arguments", ({"every": 0}, {"keep": 0}, {"keep": -1}))
def test_numbers_below_one_are_refused(arguments, tmp_path):
    with pytest.raises(SightkitError, match="every must be at least 1"):
        EpochCheckpoint(tmp_path, **arguments)
