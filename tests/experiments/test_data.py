"""The rows of a dataset file that a run uses."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from sightkit import _scripts, experiments, io
from sightkit._errors import SightkitError
from sightkit.experiments.data import used_part
from sightkit.preprocessing import GrayscalePreprocessor, Pipeline, SimplePreprocessor

FRACTIONS = {"train": 0.6, "validation": 0.2, "test": 0.2}
SMALL = Pipeline((GrayscalePreprocessor(), SimplePreprocessor(8, 8)))


@dataclass(frozen=True)
class Built(experiments.Config):
    builder: ClassVar[str] = "build_folder"
    output: Path = Path("run")
    epochs: int = 3
    batch_size: int = 32
    data: Path = Path("data.h5")


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "data.h5"
    return io.build_dataset(io.digits, path, preprocessors=SMALL, fractions=FRACTIONS)


def rows_of(file, name):
    rows = slice(*file.rows(name))
    return {row.tobytes() for row in file.hashes()[rows]}, np.bincount(file.labels[rows])


def test_a_split_seed_divides_a_file_anew_in_the_same_shares(file, tmp_path):
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    once, other = (used_part(file, Built(split_seed=n), tmp_path / "first") for n in (7, 8))
    again = used_part(file, Built(split_seed=7), tmp_path / "second")
    assert once.sha256 == again.sha256 != other.sha256
    everything = set()
    for name in file.splits:
        (before, counts), (after, divided) = rows_of(file, name), rows_of(once, name)
        assert before != after
        assert np.abs(counts - divided).max() <= 2
        assert not everything & after  # no image is in two splits
        everything |= after
    assert everything == {row.tobytes() for row in file.hashes()}


def test_a_file_stays_as_it_was_divided_without_a_split_seed(file, tmp_path):
    assert used_part(file, Built(), tmp_path) is file
    assert used_part(file, experiments.Config(**vars(Built(split_seed=7))), tmp_path) is file


def test_groups_stay_together_in_a_new_division(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    with io.HDF5DatasetWriter(
        (60, 8, 8, 1),
        tmp_path / "data.h5",
        class_names=["a", "b"],
        splits={"train": 30, "validation": 15, "test": 15},
        groups=np.repeat(np.arange(20), 3),
    ) as writer:
        images = rng.integers(0, 256, (60, 8, 8, 1), dtype=np.uint8)
        images[[0, 12]] = images[6]  # copies in groups of their own
        writer.add(images, np.repeat(np.arange(20), 3) % 2, [f"{n}.png" for n in range(60)])
    file = io.DatasetFile.open(tmp_path / "data.h5")
    (tmp_path / "new").mkdir()
    new = used_part(file, Built(split_seed=3), tmp_path / "new")
    groups = [set(new.groups[slice(*new.rows(name))].tolist()) for name in new.splits]
    assert any({0, 2, 4} <= each for each in groups)
    assert sum(map(len, groups)) == 20 == len(set.union(*groups))


def test_too_few_images_for_a_division_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with io.HDF5DatasetWriter(
        (5, 8, 8, 1),
        tmp_path / "data.h5",
        class_names=["a", "b"],
        splits={"train": 3, "validation": 1, "test": 1},
    ) as writer:
        images = np.arange(5 * 64, dtype=np.uint16).reshape(5, 8, 8, 1).astype(np.uint8)
        writer.add(images, np.array([0, 0, 1, 0, 1]), [f"{n}.png" for n in range(5)])
    with pytest.raises(SightkitError, match="b"):
        used_part(io.DatasetFile.open(tmp_path / "data.h5"), Built(split_seed=3), tmp_path)


@pytest.mark.parametrize(
    ("script", "line"),
    (
        ("train_minivggnet_animals", "build_animals.py --data animals.zip --size 64"),
        ("train_handmade_animals", "build_animals.py --data animals.zip --size 128"),
        ("train_lenet_smiles", "build_smiles.py --data SMILEsmileD.zip"),
    ),
)
@pytest.mark.parametrize("data", (None, "mine/a b.h5"))
def test_missing_data_are_built_by_the_command_of_the_docstring(
    script, line, data, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    module = _scripts.load(script)
    config = module.Config(data=Path(data)) if data else module.Config()
    where = f"'{data}'" if data else str(config.data)
    with pytest.raises(SightkitError, match=r"built already.*Received: data=") as error:
        module.main(config)
    assert str(error.value).endswith(f"python scripts/{line} --output {where}")


def test_each_script_with_a_builder_has_its_command():
    for name in _scripts.scripts():
        if getattr(getattr(_scripts.load(name), "Config", None), "builder", ""):
            assert f"    python scripts/{_scripts.load(name).Config.builder}.py --" in (
                _scripts.load(name).__doc__ or ""
            )
