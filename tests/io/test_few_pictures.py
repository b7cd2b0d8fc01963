"""Far too few pictures for a network with random weights: said once, with the way on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sightkit.io import (
    BuildConfig,
    FolderDataset,
    HDF5DatasetWriter,
    build_dataset,
    verify,
    write_png,
)
from sightkit.io.labels import FEW, few_pictures
from sightkit.preprocessing import Pipeline, SimplePreprocessor

PHOTO = [(40, 50, 3)]


@pytest.mark.parametrize(
    ("counts", "shapes", "told"),
    (
        ({"a": 80, "b": 90}, PHOTO, "2 of 2 classes have far under 1,000 images (a 80)"),
        (
            {"a": 5_000, "b": FEW - 1},
            PHOTO,
            f"1 of 2 classes have far under 1,000 images (b {FEW - 1})",
        ),
        ({"a": FEW, "b": 1_000}, PHOTO, ""),
        ({}, PHOTO, ""),
        ({"a": 80}, [(40, 50, 1)], ""),  # grey
        ({"a": 80}, [(28, 28, 3), (200, 31, 3)], ""),  # tiny
        ({"a": 80}, [(28, 28, 3), (200, 32, 3)], "1 of 1"),
        ({"a": 80}, [(1280,)], ""),  # features
        ({"a": 80}, [], ""),
    ),
)
def test_few_pictures_are_told_where_they_are_photos(counts, shapes, told):
    line = few_pictures(counts, shapes)
    assert line.startswith(told) and "\n" not in line and bool(line) == bool(told)
    assert not told or ("extract_features.py" in line and "train_logistic.py" in line)


def photos(folder: Path, size: int, *names: str) -> Path:
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(number)
        write_png(path, rng.integers(0, 256, (size, size, 3)).astype(np.uint8))
    return folder


TWO = tuple(f"{name}/{number}.png" for name in ("cat", "dog") for number in range(4))
LINE = "2 of 2 classes have far under 1,000 images"


@pytest.mark.parametrize(
    ("names", "size", "lines"),
    (
        (TWO, 40, 1),
        (tuple(f"inner/{name}" for name in TWO), 40, 1),
        (tuple(f"{part}/{name}" for part in ("train", "test") for name in TWO), 40, 1),
        (tuple(name.replace("/", ".") for name in TWO), 40, 0),  # no class folders
        (TWO, 20, 0),
    ),
)
def test_verify_says_it_of_a_folder_once(names, size, lines, tmp_path):
    assert str(verify(photos(tmp_path, size, *names))).count("have far under") == lines


def test_verify_says_it_of_a_file_of_photos_alone(tmp_path):
    folder = photos(tmp_path / "photos", 40, *TWO)
    build_dataset(
        FolderDataset(folder),
        tmp_path / "x.h5",
        preprocessors=Pipeline((SimplePreprocessor(32, 32),)),
        fractions={"train": 0.5, "test": 0.5},
    )
    assert str(verify(tmp_path / "x.h5")).count(LINE) == 1
    with HDF5DatasetWriter(
        (4, 8), tmp_path / "f.h5", class_names=("a", "b"), data_key="features", dtype="float32"
    ) as writer:
        writer.add(np.eye(4, 8, dtype=np.float32), [0, 1, 0, 1])
    assert "far under" not in str(verify(tmp_path / "f.h5"))


@pytest.mark.parametrize("smoke", (False, True))
def test_a_build_says_it_once_and_refuses_nothing(smoke, tmp_path, capsys):
    config = BuildConfig(
        photos(tmp_path / "in", 40, *TWO), tmp_path / "x.h5", fractions=(0.5, 0, 0.5), smoke=smoke
    )
    result = config.build(FolderDataset(config.data), Pipeline((SimplePreprocessor(32, 32),)))
    assert result["images"] == 8
    assert capsys.readouterr().out.count(LINE) == (0 if smoke else 1)
