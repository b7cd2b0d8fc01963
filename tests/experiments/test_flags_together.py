"""Whole runs with many flags at once: stopped in an epoch and resumed they end bit-equal."""

from __future__ import annotations

import csv
import json
import os
import signal
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from sightkit import _run_files, experiments, io, training, zoo
from sightkit._errors import Interrupted, SightkitError
from sightkit.preprocessing import GrayscalePreprocessor, Pipeline, SimplePreprocessor

SMALL = Pipeline((GrayscalePreprocessor(), SimplePreprocessor(8, 8)))


@dataclass(frozen=True)
class Config(experiments.Config):
    output: Path = Path("run")
    epochs: int = 4
    batch_size: int = 16
    data: Path = Path("digits.h5")
    learning_rate: float = 0.01
    preflight: str = "off"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def train(config, *, stop_after=0):
    """Train and report; SIGTERM comes after a number of batches."""
    import keras

    batches = iter(range(1, 1000))

    def count(batch, logs):
        if next(batches) == stop_after:
            os.kill(os.getpid(), signal.SIGTERM)

    keras.backend.clear_session()
    with experiments.start(config, "train_x.py") as run:
        run.dataset(io.digits, SMALL)
        data = run.training()
        network = run.network(zoo.MLP, hidden=(24,), normalization="batch", dropout=0.2)
        run.compile(network, data)
        stopping = keras.callbacks.LambdaCallback(on_train_batch_end=count)
        run.fit(network, data, callbacks=[stopping] if stop_after else [])
        return run.report(network)


TOGETHER = {
    "adaptive, mixed, watched": {
        "schedule": "adaptive",
        "drop_every": 1,
        "label_smoothing": 0.1,
        "mixup": 0.4,
        "patience": 2,
        "min_delta": 0.01,
        "monitor_updates": True,
        "checkpoint_every": 1,
        "augment": False,
    },
    "dropped, noisy, averaged": {
        "optimizer": "sgd",
        "momentum": 0.9,
        "nesterov": True,
        "schedule": "step",
        "drop_by": 0.002,
        "drop_every": 1,
        "gradient_noise": 0.01,
        "average_weights": True,
        "cutmix": 1.0,
        "class_weights": "balanced",
        "checkpoints": "improvements",
        "initializer": "lsuv",
        "arguments": ("dropout=0.1",),
    },
    "one cycle, four parts": {
        "optimizer": "rmsprop",
        "schedule": "one_cycle",
        "mean": "image",
        "fractions": (0.5, 0.2, 0.2, 0.1),
        "initializer": "he_normal",
        "human_error": 0.02,
    },
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.faults if position else pytest.mark.slow)
        for position, name in enumerate(TOGETHER)
    ],
)
def test_a_run_with_many_flags_is_resumed_bit_equal(name):
    flags = {**TOGETHER[name], "smoke": True}
    whole = Config(**flags, output=Path("whole"), epochs=4, data=Path("digits.h5"))
    expected = train(whole)
    stopped = replace(whole, output=Path("stopped"))
    for batches in (5, 18):
        with pytest.raises(Interrupted):
            train(replace(stopped, resume=batches > 5), stop_after=batches)
    assert train(replace(stopped, resume=True)) == expected
    for file in (_run_files.HISTORY, _run_files.UPDATES):
        paths = [Path(folder, file) for folder in ("whole", "stopped")]
        assert paths[0].exists() == (file == _run_files.HISTORY or whole.monitor_updates)
        if paths[0].exists():
            assert paths[0].read_bytes() == paths[1].read_bytes()
    files = [
        sorted(path.name for path in Path(folder, "checkpoints").glob("*.h5"))
        for folder in ("whole", "stopped")
    ]
    assert files[0] == files[1]
    if whole.checkpoint_every:
        assert "epoch-00001.weights.h5" in files[0]
    if whole.checkpoints == "improvements":
        assert any("-epoch-" in each for each in files[0])


@pytest.mark.faults
def test_a_run_begins_from_the_weights_of_another():
    first = Config(smoke=True, output=Path("first"), data=Path("digits.h5"), epochs=1)
    train(first)
    second = replace(first, output=Path("second"), weights=Path("first/bundle"), learning_rate=1e-9)
    found = train(second)
    before = json.loads(Path("first/metrics.json").read_text())
    assert found["test"]["loss"] == pytest.approx(before["test"]["loss"], rel=0.1)
    wide = replace(second, output=Path("third"), size=(16, 16))
    with pytest.raises(SightkitError, match="same network, of the same size"):
        train(wide)


@pytest.mark.slow
def test_patience_stops_and_brings_the_best_weights_back():
    config = Config(
        smoke=True, data=Path("d.h5"), output=Path("short"), epochs=9, patience=1, min_delta=9.0
    )
    train(config)
    with open("short/history.csv", newline="") as file:
        assert len(list(csv.DictReader(file))) == 2


@pytest.mark.parametrize(
    ("end", "classes", "outputs"),
    [
        pytest.param("sigmoid", 2, 1, marks=pytest.mark.faults),
        pytest.param("sigmoids", 3, 3, marks=pytest.mark.slow),
    ],
)
def test_sigmoids_tell_classes_apart(write_dataset, end, classes, outputs):
    import keras

    keras.backend.clear_session()
    path = write_dataset(train=64, validation=16, test=16, classes=classes)
    config = Config(data=path, end=end, class_weights="balanced", epochs=16, preflight="on")
    with experiments.start(config, "train_x.py") as run:
        run.use(io.DatasetFile.open(path))
        data = run.training()
        network = run.network(zoo.MLP, hidden=(8,))
        assert network.output_shape == (None, outputs)
        run.compile(network, data)
        run.fit(network, data)
        found = run.report(network)
    assert found["test"]["rank1"] == 1.0
    with Path("runs/ledger.csv").open(newline="") as file:
        assert next(csv.DictReader(file))["network"] == "mlp"
    predicted = training.load_bundle("run/bundle").predict(io.DatasetFile.open(path).memmap())
    np.testing.assert_allclose(predicted.sum(axis=1), 1, atol=1e-5)
