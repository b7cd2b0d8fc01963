"""Bagged data, snapshots, members that are finished, averages of weights."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import keras
import numpy as np
import pytest

from sightkit import _run_files, experiments, training, zoo
from sightkit._errors import SightkitError
from sightkit.callbacks import SnapshotCycles
from sightkit.experiments.bagging import bag, bootstrap_rows
from sightkit.experiments.ensemble import (
    is_finished,
    read_ensemble,
    save_snapshots,
    write_ensemble,
)
from sightkit.io import DatasetFile, HDF5DatasetGenerator
from sightkit.preprocessing import ImageToArrayPreprocessor


def test_bootstrap_depends_on_the_seed_and_takes_63_percent():
    rows = bootstrap_rows(100, 10_100, seed=3)
    assert len(rows) == 10_000 and rows.min() >= 100 and rows.max() < 10_100
    assert len(np.unique(rows)) / 10_000 == pytest.approx(1 - np.exp(-1), abs=0.02)
    np.testing.assert_array_equal(rows, bootstrap_rows(100, 10_100, seed=3))
    assert (rows != bootstrap_rows(100, 10_100, seed=4)).any()


def test_only_training_rows_are_drawn_and_a_lost_file_is_remade(write_dataset, tmp_path):
    dataset = write_dataset(train=20, validation=6, test=5)
    whole = DatasetFile.open(dataset)
    path = bag(dataset, tmp_path / "data" / "bag.h5", seed=1)
    found = DatasetFile.open(path)
    assert found.splits == whole.splits
    np.testing.assert_array_equal(found.memmap()[20:], whole.memmap()[20:])
    drawn = bootstrap_rows(0, 20, seed=1)
    np.testing.assert_array_equal(found.memmap()[:20], whole.memmap()[drawn])
    assert found.labels[:20].tolist() == whole.labels[drawn].tolist()
    bag(dataset, path, seed=1)
    path.unlink()
    assert DatasetFile.open(bag(dataset, path, seed=1)).sha256 == found.sha256
    with pytest.raises(SightkitError, match="another seed"):
        bag(dataset, path, seed=2)


@dataclasses.dataclass(frozen=True)
class Config(experiments.Config):
    output: Path = Path("run")
    data: Path = Path("data.h5")
    epochs: int = 8
    batch_size: int = 10


def test_a_member_is_finished_with_a_bundle_and_its_own_config(tmp_path):
    config = Config(output=tmp_path / "run", resume=True)
    assert not is_finished(config, "train_x")
    with training.Run.open(config, experiment="train_x") as run:
        run.path(_run_files.METRICS).write_text("{}")
    assert not is_finished(config, "train_x")
    run.path(_run_files.BUNDLE).mkdir()
    assert is_finished(config, "train_x")
    with pytest.raises(SightkitError, match="epochs"):
        is_finished(dataclasses.replace(config, epochs=9), "train_x")


def test_an_ensemble_is_gone_on_with_by_the_same_settings_only(tmp_path):
    folder = tmp_path / "ensemble"
    settings = {"experiment": "train_x", "kind": "seeds", "members": ["member-1/bundle"]}
    settings |= {"data": "data.h5", "config": {}}
    write_ensemble(folder, settings)
    write_ensemble(folder, settings)
    assert read_ensemble(folder)["kind"] == "seeds"
    with pytest.raises(SightkitError, match="another ensemble"):
        write_ensemble(folder, {**settings, "kind": "bagging"})
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    with pytest.raises(SightkitError, match=r"thesis\.tex"):
        write_ensemble(tmp_path / "mine", {"kind": "seeds"})
    with pytest.raises(SightkitError, match="ensemble is a folder"):
        read_ensemble(tmp_path / "mine")


@pytest.mark.slow
@pytest.mark.parametrize("rate", (0.3, keras.optimizers.schedules.ExponentialDecay(9.0, 1, 0.5)))
def test_rate_falls_in_cycles_whatever_the_optimizers_own(rate, tmp_path):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(rate), "mse")
    x, y = np.ones((12, 2), np.float32), np.ones((12, 1), np.float32)
    model.fit(x, y, batch_size=4, verbose=0)  # compiles a step with the former rate
    model.optimizer.iterations.assign(0)
    rates, weights = [], []

    class Watch(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            rates.append(float(model.optimizer.learning_rate))
            weights.append(model.get_weights()[1][0])

    model.set_weights([np.zeros((2, 1)), np.zeros(1)])
    cycles = SnapshotCycles(tmp_path, every=2, highest=0.01)
    model.fit(x, y, batch_size=4, epochs=4, verbose=0, shuffle=False, callbacks=[Watch(), cycles])
    steps = np.arange(12) % 6
    np.testing.assert_allclose(rates, 0.005 * (np.cos(np.pi * steps / 6) + 1), rtol=1e-5)
    assert weights[1] == pytest.approx(0.01 * 2)  # the step, too, was made with that rate
    names = [path.name for path in sorted(tmp_path.iterdir())]
    assert names == ["epoch-00002.weights.h5", "epoch-00004.weights.h5"]


@pytest.mark.slow
def test_snapshots_become_bundles_that_predict_as_their_weights(trained_bundles, tmp_path, rng):
    _, (bundle,) = trained_bundles(tmp_path)
    (tmp_path / "run").mkdir()
    bundle.rename(tmp_path / "run" / _run_files.BUNDLE)
    original = training.load_bundle(tmp_path / "run" / _run_files.BUNDLE)
    files, answers = [], []
    image = rng.integers(0, 256, (20, 20, 3)).astype(np.uint8)
    for number in (1, 2):
        network = original.network
        network.set_weights([rng.normal(0, 0.1, w.shape) for w in network.get_weights()])
        network.compile("adam", "mse")
        files.append(tmp_path / f"epoch-{number}.weights.h5")
        network.save_weights(files[-1])
        answers.append(original.predict([image]))
    folders = [tmp_path / f"member-{number}" / "bundle" for number in (1, 2)]
    for folder in folders:
        folder.parent.mkdir()
    save_snapshots(tmp_path / "run", files, folders)
    for folder, answer, path in zip(folders, answers, files, strict=True):
        found = training.load_bundle(folder)
        np.testing.assert_allclose(found.predict([image]), answer, atol=1e-6)
        assert found.description["training"]["snapshot"] == path.name
        assert found.training_rows.keys.tolist() == original.training_rows.keys.tolist()


def normalized(seed):
    keras.utils.set_random_seed(seed)
    return zoo.build("minivggnet", input_shape=(16, 16, 3), classes=3)


def test_weights_are_averaged_and_statistics_gathered_anew(write_dataset):
    data = HDF5DatasetGenerator(
        write_dataset(shape=(16, 16, 3), train=24, test=3),
        8,
        preprocessors=ImageToArrayPreprocessor(),
    )
    networks = [normalized(1), normalized(2)]
    averaged = training.average_networks(networks, data)
    plain = training.average_networks(networks)
    for mine, *theirs in zip(
        averaged.trainable_variables, *(n.trainable_variables for n in networks), strict=True
    ):
        np.testing.assert_allclose(mine, np.mean([np.array(v) for v in theirs], axis=0), atol=1e-7)
    moving = [w for w in averaged.non_trainable_variables if "moving_mean" in w.path]
    assert moving and np.abs(np.array(moving[0])).max() > 0
    assert all(not np.array(w).any() for w in plain.non_trainable_variables if "mean" in w.path)


@pytest.mark.slow
def test_a_bundle_records_its_training_data_and_detects_damage(trained_bundles, tmp_path):
    data, (folder,) = trained_bundles(tmp_path)
    file = DatasetFile.open(data)
    found = training.load_bundle(folder).training_rows
    first, last = file.rows("train")
    held = found.holds(file.hashes())
    assert held[first:last].all() and not held[last:].any()
    description = json.loads((folder / "bundle.json").read_text())
    assert description["training_rows"]["preprocessing"] == file.preprocessing
    rows = folder / "training_rows.npy"
    content = bytearray(rows.read_bytes())
    content[-1] ^= 1
    rows.write_bytes(content)
    with pytest.raises(SightkitError, match=r"damaged: training_rows\.npy"):
        training.load_bundle(folder)
