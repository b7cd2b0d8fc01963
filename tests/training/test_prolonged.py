"""A finished run that is given more epochs, by a script of few lines."""

from __future__ import annotations

import dataclasses
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import keras
import pytest

from sightkit import experiments, io, training
from sightkit.preprocessing import ImageToArrayPreprocessor, Pipeline


@dataclass(frozen=True)
class Config(experiments.Config):
    output: Path = Path("runs/job")
    epochs: int = 2
    batch_size: int = 8
    data: Path = Path("data.h5")
    optimizer: experiments.OptimizerName = "sgd"
    learning_rate: float = 0.05
    momentum: float = 0.9
    preflight: str = "off"


def run(config: Config) -> str:
    """Train; return the hash of the weights."""
    with experiments.start(config, "train_job.py", keras=False) as opened:
        keras.backend.clear_session()  # layers are named as in a process of its own
        training.prepare(seed=config.seed, precision="float32")
        data = opened.use(io.DatasetFile.open(config.data))
        data.chain = Pipeline((ImageToArrayPreprocessor(),))
        train = data.training()
        shape = data.image_shape
        inputs = keras.Input(shape)
        hidden = keras.layers.Dropout(0.5, seed=1)(keras.layers.Flatten()(inputs))
        network = keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(hidden))
        opened.compile(network, train)
        opened.fit(network, train)
        found = training.facts(network, seed=config.seed)
        (opened.run.folder / "metrics.json").write_text(json.dumps({"lengths": opened.run.lengths}))
    return found["weights_sha256"]


@pytest.fixture
def config(write_dataset, tmp_path):
    path = write_dataset(train=40, validation=8, test=4)
    return Config(output=tmp_path / "run", data=path)


@pytest.mark.slow
def test_a_prolonged_run_repeats_and_says_that_the_rate_rises(config, tmp_path, capsys):
    short = run(config)
    shutil.copytree(tmp_path / "run", tmp_path / "again")
    moved = tmp_path / "elsewhere.h5"
    shutil.copy(config.data, moved)
    capsys.readouterr()
    longer = dataclasses.replace(config, epochs=4, resume=True)
    first = run(longer)
    told = capsys.readouterr().out
    assert "length of 2 and goes on to 4" in told and "rate rises: " in told
    second = run(dataclasses.replace(longer, output=tmp_path / "again", data=moved))
    assert first == second != short
    straight = run(dataclasses.replace(config, epochs=4, output=tmp_path / "straight"))
    assert straight != first
    history = (tmp_path / "run" / "history.csv").read_text().splitlines()
    assert len(history) == 1 + 4
    assert run(longer) == first  # nothing is left to do
    assert json.loads((tmp_path / "run" / "metrics.json").read_text()) == {"lengths": [2, 4]}
