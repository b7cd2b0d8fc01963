"""The floor of the training scripts: what starts, what is refused before Keras, what is left."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from sightkit import _run_files, experiments, io, training, zoo
from sightkit._errors import SightkitError
from sightkit.experiments import experiment
from sightkit.preprocessing import (
    AspectAwarePreprocessor,
    GrayscalePreprocessor,
    ImageToArrayPreprocessor,
    PatchPreprocessor,
    Pipeline,
    RandomPipeline,
    SimplePreprocessor,
)

FRACTIONS = {"train": 0.6, "validation": 0.2, "test": 0.2}
SMALL = Pipeline((GrayscalePreprocessor(), SimplePreprocessor(16, 16)))


@dataclass(frozen=True)
class Config(experiments.Config):
    output: Path = Path("run")
    epochs: int = 3
    batch_size: int = 32
    data: Path = Path("data.h5")


@dataclass(frozen=True)
class Built(Config):
    builder: ClassVar[str] = "build_folder"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def no_keras(connect):
    raise AssertionError("Keras was started")


def test_damaged_data_is_refused_before_keras_starts(monkeypatch):
    monkeypatch.setattr(experiment, "start_keras", no_keras)
    Path("data.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + b"not HDF5 after all")
    with pytest.raises(SightkitError, match=r"data\.h5"), experiments.start(Config(), "train_x.py"):
        pass
    assert not Path("run", _run_files.LOCK).exists()


def test_missing_data_of_a_builder_is_refused_before_keras(monkeypatch):
    monkeypatch.setattr(experiment, "start_keras", no_keras)
    with pytest.raises(SightkitError, match="build"), experiments.start(Built(), "train_x.py"):
        pass
    monkeypatch.setattr(experiment, "start_keras", lambda connect: None)
    for config in (Config(), Built(smoke=True)):
        with experiments.start(config, "train_x.py") as run:
            assert run.config == config


def test_where_keras_fails_the_old_run_is_put_back(monkeypatch):
    monkeypatch.setattr(experiment, "start_keras", lambda connect: None)
    with experiments.start(Config(), "train_x.py") as run:
        run.run.path(_run_files.METRICS).write_text("{}")

    def fails(connect):
        assert not Path("run", _run_files.METRICS).exists()
        raise SightkitError("The backend that Keras is set to must be installed.")

    monkeypatch.setattr(experiment, "start_keras", fails)
    with pytest.raises(SightkitError, match="backend"):
        with experiments.start(Config(overwrite=True, epochs=9), "train_x.py"):
            pass
    assert Path("run", _run_files.METRICS).read_text() == "{}"
    assert json.loads(Path("run", _run_files.CONFIG).read_text())["epochs"] == 3
    assert not Path("run", _run_files.LOCK).exists()


def test_a_folder_of_another_experiment_is_refused(monkeypatch):
    monkeypatch.setattr(experiment, "start_keras", lambda connect: None)
    with experiments.start(Config(), "train_x.py") as run:
        run.run.path(_run_files.METRICS).write_text("{}")
    with pytest.raises(SightkitError, match="experiment: 'train_x' there, 'train_y'"):
        with experiments.start(Config(resume=True), "train_y.py"):
            pass


def test_a_builder_opens_any_recipe_and_others_their_own(monkeypatch):
    monkeypatch.setattr(experiment, "start_keras", lambda connect: None)
    other = Pipeline((GrayscalePreprocessor(), SimplePreprocessor(8, 8)))
    io.build_dataset(io.digits, "data.h5", preprocessors=other, fractions=FRACTIONS, limit=20)
    with experiments.start(Built(), "train_x.py") as run:
        assert run.built().image_shape == (8, 8, 1)
        recorded = json.loads(run.run.path(_run_files.ENVIRONMENT).read_text())["data"]
        assert recorded["sha256"] == run.data.file.sha256
    with experiments.start(Config(output=Path("other")), "train_x.py") as run:
        with pytest.raises(SightkitError, match=r"data\.h5"):
            run.dataset(io.digits, SMALL, fractions=FRACTIONS)


def test_ten_crops_are_averaged_and_the_bundle_takes_one(capsys):
    config = Config(smoke=True, data=Path("digits.h5"), output=Path("smoke"))
    with experiments.start(config, "train_x.py") as run:
        data = run.dataset(io.digits, SMALL, fractions=FRACTIONS)
        assert (data.image_shape, data.classes) == ((16, 16, 1), 10)
        to_array = ImageToArrayPreprocessor()
        data.chain = Pipeline((AspectAwarePreprocessor(12, 12, crop=12 / 16), to_array))
        assert data.image_shape == (12, 12, 1)
        patches = RandomPipeline((PatchPreprocessor(12, 12),))
        train = data.training(patches, Pipeline((to_array,)))
        assert train[0][0].shape == (32, 12, 12, 1)
        assert len(train) == 7
        network = zoo.MLP(data.image_shape, data.classes, hidden=(8,))
        metrics = run.report(network, views=10, note="kept")
    assert (metrics["views"], metrics["note"], metrics["seed"]) == (10, "kept", 1)
    points = 100 * (metrics["test"]["rank1"] - metrics["once"]["rank1"])
    assert metrics["gain"]["points"] == pytest.approx(points) and metrics["once"]["count"] == 200
    assert "The views of an image against one: " in capsys.readouterr().out
    assert {split: metrics[split]["count"] for split in FRACTIONS} == dict.fromkeys(FRACTIONS, 200)
    image = data.file.memmap()[-1]
    bundle = training.load_bundle("smoke/bundle")
    middle = to_array(image[2:14, 2:14])
    expected = network.predict(middle[np.newaxis], verbose=0)[0]
    np.testing.assert_allclose(bundle.predict([image])[0], expected, atol=1e-5)


@pytest.mark.parametrize(("smoke", "resume"), ((True, False), (True, True), (False, False)))
def test_a_smoke_run_takes_few_images_of_a_large_file(smoke, resume, write_dataset, monkeypatch):
    """Sorted by class, too: all of the file is looked over."""
    monkeypatch.setattr(experiment, "start_keras", lambda connect: None)
    path = write_dataset(train=3_000, validation=500, test=50)
    config = Built(smoke=smoke, data=path, output=Path("mine"), resume=resume)
    with experiments.start(config, "train_x.py") as run:
        data = run.built()
        counts = {name: last - first for name, (first, last) in data.file.splits.items()}
        whole = {"train": 3_000, "validation": 500, "test": 50}
        few = {"train": 200, "validation": 200, "test": 50}
        assert counts == (few if smoke else whole)
        assert len(data.training()) == -(-counts["train"] // 32)
        assert set(data.training().labels) == {0, 1, 2}
        original = io.DatasetFile.open(path)
        assert np.array_equal(data.training().images([0, -1]), original.memmap()[[0, 2_999]])
        recorded = json.loads(run.run.path(_run_files.ENVIRONMENT).read_text())["data"]
        assert recorded == {"file": str(path), "sha256": original.sha256}
        scratch = data.file.path
    assert scratch.exists() != smoke
    assert sorted(file.name for file in path.parent.iterdir() if file.suffix == ".h5") == [
        "data.h5"
    ]


def test_class_weights_let_every_class_count_the_same(write_dataset):
    file = io.DatasetFile.open(write_dataset(train=40, validation=8, test=4))
    plain, weighted = (
        experiments.Data(file, 8, 1),
        experiments.Data(file, 8, 1, class_weights="balanced"),
    )
    assert len(plain.training()[0]) == 2 and len(weighted.evaluation("validation")[0]) == 2
    train = weighted.training()
    _, y, w = map(np.concatenate, zip(*(train[index] for index in range(5)), strict=True))
    counted = np.bincount(y, weights=w)
    np.testing.assert_allclose(counted, 40 / len(counted), rtol=1e-5)


@pytest.mark.parametrize(
    ("stored", "validation", "missing"),
    [
        ("test", "validation", "validation"),
        ("test", "dev", "dev"),
        ("validation", "validation", "test"),  # the test images are read at the very end
    ],
)
def test_a_split_that_is_not_there_is_refused_before_keras(
    stored, validation, missing, monkeypatch
):
    monkeypatch.setattr(experiment, "start_keras", no_keras)
    halves = {"train": 0.5, stored: 0.5}
    file = io.build_dataset(io.digits, "data.h5", preprocessors=SMALL, fractions=halves, limit=20)
    config = Built(validation_split=validation)
    with pytest.raises(SightkitError, match=f"has the splits.*split='{missing}'") as error:
        with experiments.start(config, "train_x.py"):
            pass
    assert ("--validation-split" in str(error.value)) == (missing != "test")
    with experiments.start(Config(), "train_x.py", keras=False) as run:
        run.config = config
        with pytest.raises(SightkitError, match=f"has the splits.*split='{missing}'"):
            run.use(file)  # of a folder of photos


@pytest.mark.slow
@pytest.mark.parametrize("builder", [pytest.param(False, marks=pytest.mark.slow), True])
def test_a_size_is_that_of_network_and_bundle(builder, monkeypatch):
    """Of stored images where the script stores them, else of the chain."""
    kind, size = (Built, (8, 8)) if builder else (Config, (12, 20))
    io.build_dataset(
        io.digits,
        "data.h5",
        preprocessors=Pipeline((GrayscalePreprocessor(), SimplePreprocessor(*size[::-1]))),
        fractions=FRACTIONS,
        limit=40,
    )
    config = kind(size=(12, 20), epochs=1, preflight="off")
    with experiments.start(config, "train_x.py") as run:
        data = run.use(io.DatasetFile.open("data.h5"))
        assert data.image_shape == (12, 20, 1)
        network = zoo.MLP(data.image_shape, data.classes)
        network.compile("adam", **experiments.CLASSIFICATION)
        run.fit(network, data.training())
        run.report(network)
    bundle = training.load_bundle(Path("run/bundle"))
    assert bundle.network.input_shape == (None, 12, 20, 1)
    photo = np.zeros((50, 30, 1), np.uint8)
    assert bundle.predict([photo]).shape == (1, 10)


@pytest.mark.slow
def test_a_split_by_name_is_validated_and_all_are_reported():
    shares = {"train": 0.4, "held": 0.2, "calibration": 0.2, "test": 0.2}
    io.build_dataset(io.digits, "data.h5", preprocessors=SMALL, fractions=shares, limit=60)
    config = Built(epochs=1, validation_split="calibration", preflight="off")
    with experiments.start(config, "train_x.py") as run:
        data = run.use(io.DatasetFile.open("data.h5"))
        network = zoo.MLP(data.image_shape, data.classes)
        network.compile("adam", **experiments.CLASSIFICATION)
        rows = run.fit(network, data.training())
        metrics = run.report(network)
    assert rows[0]["val_loss"] == pytest.approx(metrics["calibration"]["loss"], rel=1e-4)
    assert set(shares) <= set(metrics)
    with pytest.raises(SightkitError, match=r"has the splits.*split='dev'"):
        data.evaluation("dev")
