"""The same image in two splits is found by content, whatever holds the images."""

from __future__ import annotations

import shutil
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from sightkit.io import HDF5DatasetGenerator, HDF5DatasetWriter, write_rows
from sightkit.io.hdf5.file import DatasetFile
from sightkit.training.checks.overlap import splits
from sightkit.training.checks.report import FAILED, PASSED, WARNED, LeftOut
from sightkit.training.checks.samples import read

SIZES = {"train": 120, "validation": 40, "test": 40}


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (200, 6, 5, 3), np.uint8)


@pytest.fixture(scope="module")
def path(images, tmp_path_factory):
    path = tmp_path_factory.mktemp("overlap") / "a.h5"
    with HDF5DatasetWriter(images.shape, path, class_names=("a", "b"), splits=SIZES) as writer:
        writer.add(images, np.arange(200) % 2)
    return path


def generator(path, split, **options):
    return HDF5DatasetGenerator(path, 16, split=split, **options)


def check(*data):
    return splits(*data, read=[None if each is None else read(each) for each in data[:2]])


class Wrapped(keras.utils.PyDataset):
    """Batches that come from nowhere that can be asked."""

    def __init__(self, x, y, noise=0.0):
        super().__init__()
        self.x, self.y, self.noise = x, y, noise
        self.rng = np.random.default_rng(1)

    def __len__(self):
        return -(-len(self.x) // 32)

    def __getitem__(self, index):
        rows = slice(32 * index, 32 * index + 32)
        x = self.x[rows] + self.noise * self.rng.normal(size=self.x[rows].shape)
        return x.astype(np.float32), self.y[rows]


def arrays(images, rows, dtype=np.float32):
    return images[rows].astype(dtype), np.arange(len(images[rows])) % 2


SAME = {
    "the split itself": lambda path, x: [generator(path, "train")] * 2,
    "the split opened twice": lambda path, x: [
        generator(path, "train", shuffle=True, seed=3),
        generator(path, "train"),
    ],
    "another name of the file": lambda path, x: [
        generator(path, "train"),
        generator(shutil.copy(path, path.with_name("b.h5")), "train"),
    ],
    "the same arrays": lambda path, x: [arrays(x, slice(0, 120))] * 2,
    "equal arrays": lambda path, x: [arrays(x, slice(0, 120)), arrays(x, slice(0, 120))],
    "in another order": lambda path, x: [
        arrays(x, slice(0, 120)),
        arrays(x, np.random.default_rng(0).permutation(120)),
    ],
    "a part of them": lambda path, x: [arrays(x, slice(0, 120)), arrays(x, slice(100, 120))],
    "a third of them": lambda path, x: [arrays(x, slice(0, 120)), arrays(x, slice(110, 140))],
    "the same batches": lambda path, x: [Wrapped(*arrays(x, slice(0, 120)))] * 2,
    "the same batches with noise": lambda path, x: (
        [Wrapped(*arrays(x, slice(0, 120)), noise=0.1)] * 2
    ),
    "equal batches": lambda path, x: [Wrapped(*arrays(x, slice(0, 120))) for _ in range(2)],
    "batches and arrays": lambda path, x: [
        Wrapped(*arrays(x, slice(0, 120))),
        arrays(x, slice(0, 120)),
    ],
    "lists": lambda path, x: [
        (x[:60].tolist(), list(range(60))),
        (x[:60].tolist(), list(range(60))),
    ],
}


@pytest.mark.parametrize("name", SAME)
def test_validation_that_is_training_fails(name, path, images):
    line = check(*SAME[name](path, images))
    assert line.verdict == FAILED
    assert "of validation are in training too" in line.found


APART = {
    "splits of a file": lambda path, x: [generator(path, "train"), generator(path, "validation")],
    "a copy of the file": lambda path, x: [
        generator(path, "train"),
        generator(shutil.copy(path, path.with_name("c.h5")), "validation"),
    ],
    "arrays": lambda path, x: [arrays(x, slice(0, 120)), arrays(x, slice(120, 160))],
    "batches": lambda path, x: [
        Wrapped(*arrays(x, slice(0, 120))),
        Wrapped(*arrays(x, slice(120, 160))),
    ],
    "batches and arrays": lambda path, x: [
        Wrapped(*arrays(x, slice(0, 120))),
        arrays(x, slice(120, 160)),
    ],
}


@pytest.mark.parametrize("name", APART)
def test_splits_that_are_apart_pass(name, path, images):
    assert check(*APART[name](path, images)).verdict == PASSED


def test_one_copy_in_many_is_a_warning(images):
    x, y = np.random.default_rng(0).random((300, 4, 4, 1)), np.zeros(300)
    line = check((x[:150], y[:150]), (np.concatenate([x[149:150], x[150:]]), y[:151]))
    assert line.verdict == WARNED and "1 of 151 images" in line.found


def test_test_data_are_compared_too(path):
    train = generator(path, "train")
    line = check(train, generator(path, "validation"), generator(path, "validation"))
    assert line.verdict == FAILED and "of test are in validation too" in line.found


def test_the_test_split_of_a_search_is_known_to_repeat_validation(path, tmp_path):
    file = DatasetFile.open(path)
    parts = {"train": np.arange(80), "validation": np.arange(80, 120), "test": np.arange(80, 120)}
    write_rows(tmp_path / "fold.h5", file, parts, recipe={"search": {}})
    given = [generator(tmp_path / "fold.h5", split) for split in ("train", "validation", "test")]
    assert check(*given).verdict == PASSED
    assert check(*given[:2]).verdict == PASSED


def test_data_that_cannot_be_compared_are_left_out():
    stream = SimpleNamespace()
    for data in ((stream, None), (stream, SimpleNamespace())):
        with pytest.raises(LeftOut):
            splits(*data)
