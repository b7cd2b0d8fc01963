"""The guard against divergence under ``training.fit``: on, off, resumed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pytest

from sightkit import experiments, training
from sightkit.callbacks import Diverged
from sightkit.io import HDF5DatasetGenerator
from sightkit.preprocessing import ImageToArrayPreprocessor


@dataclass(frozen=True)
class Config(experiments.Config):
    output: Path = Path("run")
    data: Path = Path("data.h5")
    epochs: int = 3
    batch_size: int = 5
    preflight: str = "off"


@pytest.fixture
def train(write_dataset, tmp_path):
    """Three epochs of a small network on sixty images, in one run folder."""
    path = write_dataset(train=60, validation=10, test=5)

    def run(rate, *, epochs=3, fit=None, **flags):
        data = [
            HDF5DatasetGenerator(
                path, 5, split=s, preprocessors=ImageToArrayPreprocessor(), shuffle=s == "train"
            )
            for s in ("train", "validation")
        ]
        keras.utils.set_random_seed(1)
        images = keras.Input((8, 8, 1))
        hidden = keras.layers.Dense(8, "relu")(keras.layers.Flatten()(images))
        model = keras.Model(images, keras.layers.Dense(3, "softmax")(hidden))
        model.compile(keras.optimizers.SGD(rate), "sparse_categorical_crossentropy")
        config = Config(output=tmp_path / "run", epochs=epochs, **flags)
        with training.Run.open(config, experiment="test") as opened:
            rows = training.fit(model, *data, run=opened, epochs=epochs, **(fit or {}))
        return rows, [w.tobytes() for w in model.get_weights()]

    return run


@pytest.mark.slow
def test_a_divergence_is_stopped_unless_the_guard_is_off(train):
    with pytest.raises(Diverged, match="--guard off"):
        train(1e8)
    for off in ({"guard": "off"}, {"fit": {"guard": False}}):
        rows, _ = train(1e8, overwrite=True, **off)
        assert len(rows) == 3


def test_nan_is_trained_on_with_the_guard_off(train):
    rows, _ = train(1e38, guard="off")
    assert len(rows) == 3
    assert np.isnan(rows[-1]["loss"])


@pytest.mark.slow
def test_the_guard_leaves_a_healthy_training_every_bit(train):
    rows, weights = train(0.05)
    assert train(0.05, overwrite=True, guard="off") == (rows, weights)


@pytest.mark.slow
@pytest.mark.parametrize("later", ("on", "off"))
def test_the_guard_may_be_changed_when_a_run_is_resumed(train, later, tmp_path):
    whole = train(0.05)
    assert "guard" not in json.loads((tmp_path / "run" / "config.json").read_text())

    class Stop(Exception):
        pass

    def stop(epoch, logs):
        if epoch == 1:
            raise Stop

    interrupt = keras.callbacks.LambdaCallback(on_epoch_begin=stop)
    first = {"on": "off", "off": "on"}[later]
    with pytest.raises(Stop):
        train(0.05, overwrite=True, guard=first, fit={"callbacks": [interrupt]})
    assert train(0.05, resume=True, guard=later) == whole
