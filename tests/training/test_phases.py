"""Phases of a training: numbers, names, and the best weights of all of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pytest

from sightkit import _files, _run_files, experiments, training
from sightkit._errors import SightkitError
from sightkit.io import HDF5DatasetGenerator
from sightkit.preprocessing import ImageToArrayPreprocessor


@dataclass(frozen=True)
class Config(experiments.Config):
    output: Path = Path("run")
    data: Path = Path("data.h5")
    epochs: int = 2
    batch_size: int = 5
    preflight: str = "off"


@pytest.fixture
def fit(write_dataset, tmp_path):
    """``fit(run, network, …)``: two epochs on twenty images."""
    path = write_dataset()

    def train(run, network, rate=0.05, **options):
        data = [
            HDF5DatasetGenerator(
                path,
                5,
                split=split,
                preprocessors=ImageToArrayPreprocessor(),
                shuffle=split == "train",
            )
            for split in ("train", "validation")
        ]
        network.compile(keras.optimizers.SGD(rate), "sparse_categorical_crossentropy")
        return training.fit(network, *data, run=run, epochs=2, **options)

    return train


@pytest.fixture
def network():
    keras.utils.set_random_seed(1)
    images = keras.Input((8, 8, 1))
    return keras.Model(images, keras.layers.Dense(3, "softmax")(keras.layers.Flatten()(images)))


def run_in(folder, **flags):
    return training.Run.open(Config(output=folder / "run", **flags), experiment="test")


@pytest.mark.slow
def test_epochs_continue_and_each_phase_has_its_checkpoints(fit, network, tmp_path):
    with run_in(tmp_path) as run:
        first = fit(run, network, phase="head")
        assert [(row["epoch"], row["phase"]) for row in first] == [(1, 1), (2, 1)]
        epochs = []
        seen = keras.callbacks.LambdaCallback(
            on_epoch_begin=lambda epoch, logs: epochs.append(epoch)
        )
        rows = fit(run, network, phase="body", after=first, callbacks=[seen])
    assert epochs == [2, 3]  # the data are told these numbers: no order comes twice
    assert rows[:2] == first
    assert [(row["epoch"], row["phase"]) for row in rows] == [(1, 1), (2, 1), (3, 2), (4, 2)]
    for phase in ("head", "body"):
        assert (
            tmp_path / "run" / _run_files.CHECKPOINTS / phase / _run_files.BEST_WEIGHTS
        ).is_file()
    assert (tmp_path / "run" / _run_files.CURVES).is_file()


def test_no_pass_is_tuned(fit, network, tmp_path, tuned):
    """The tuning thread sleeps after each pass, and Keras waits for it (``data_adapter``)."""
    with run_in(tmp_path) as run:
        fit(run, network)
    assert len(tuned) >= 4
    assert set(tuned) == {False}


@pytest.mark.slow
def test_a_phase_without_improvement_ends_with_former_weights(fit, network, tmp_path):
    def spoil(batch, logs):
        for variable in network.trainable_variables:
            noise = np.random.default_rng(batch).normal(0, 0.3, variable.shape)
            variable.assign_add(noise.astype("float32"))

    with run_in(tmp_path) as run:
        rows = fit(run, network, phase="head")
        best = training.weights_sha256(network)
        worse = keras.callbacks.LambdaCallback(on_train_batch_end=spoil)
        after = fit(run, network, phase="body", after=rows, callbacks=[worse])
    assert min(row["val_loss"] for row in after[2:]) > min(row["val_loss"] for row in rows)
    assert training.weights_sha256(network) == best


def test_a_run_that_was_left_in_its_first_phase_is_one(fit, network, tmp_path):
    with run_in(tmp_path) as run:
        fit(run, network, phase="head")
    left = tmp_path / "run" / _run_files.CHECKPOINTS / "head" / f".1{_files.PARTIAL}.x"
    left.touch()
    with pytest.raises(SightkitError, match="holds a run already"):
        run_in(tmp_path)
    with run_in(tmp_path, resume=True) as run:
        assert run.resumed
    assert not left.exists()


@pytest.mark.parametrize(("phase", "after"), (("", [{"epoch": 1.0}]), ("../x", []), ("a b", [])))
def test_a_phase_has_a_name_that_a_folder_can_have(phase, after):
    with pytest.raises(SightkitError, match="Each phase of a training has a name"):
        training.fit(None, None, None, run=None, epochs=1, phase=phase, after=after)  # type: ignore
