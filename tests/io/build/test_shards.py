"""Building in shards: the same data as in one file, whatever is interrupted, damaged or missing."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.io import DatasetFile, FolderDataset, ImageSource, build_shards, verify, write_png
from sightkit.preprocessing import Pipeline, SimplePreprocessor

CHAIN = Pipeline((SimplePreprocessor(6, 5),))
SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}
JOB = """
import sys
from sightkit.io import FolderDataset, build_shards
from sightkit.io.build import shards
from sightkit.preprocessing import Pipeline, SimplePreprocessor
shards.BATCH = 4
build_shards(
    FolderDataset(sys.argv[1], "splits"), sys.argv[2], shards=3, split_seed=5,
    preprocessors=Pipeline((SimplePreprocessor(6, 5),)),
    fractions={"train": 0.8, "validation": 0.1, "test": 0.1},
)
"""


@pytest.fixture
def photos(tmp_path, rng):
    """Two classes: 30 training images each, 8 test images each."""
    for split, count in (("train", 30), ("test", 8)):
        for name in ("cat", "dog"):
            (tmp_path / "photos" / split / name).mkdir(parents=True)
            for number in range(count):
                image = rng.integers(0, 256, (7, 9, 3)).astype(np.uint8)
                write_png(tmp_path / "photos" / split / name / f"{number}.png", image)
    return tmp_path / "photos"


@pytest.fixture
def path(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "out" / "data.shards"


def build(photos, path, **options):
    options = {"shards": 3, "split_seed": 5, "fractions": SHARES, **options}
    return build_shards(FolderDataset(photos, "splits"), path, preprocessors=CHAIN, **options)


def test_every_image_is_in_one_shard_and_each_shard_is_a_dataset(photos, path):
    file = build(photos, path)
    source = FolderDataset(photos, "splits")()
    assert file.splits == {"train": (0, 54), "validation": (54, 60), "test": (60, 76)}
    names = {source.identify(row): row for row in range(len(source))}
    assert sorted(file.sources()) == sorted(names)
    for row, name in enumerate(file.sources()):
        assert file.labels[row] == source.labels[names[name]]
        np.testing.assert_array_equal(file.read(row), CHAIN(source.read(names[name])))
    first, last = file.rows("test")
    assert all(name.startswith("test/") for name in file.sources()[first:last])
    assert last - first == 16
    training = file.read(slice(*file.rows("train")))
    np.testing.assert_allclose(file.mean, training.mean(axis=(0, 1, 2)))
    for shard in file.files:
        assert set(DatasetFile.open(shard).splits) == set(SHARES)
    assert sorted(each.name for each in path.parent.iterdir()) == [
        "data-00000-of-00003.h5",
        "data-00001-of-00003.h5",
        "data-00002-of-00003.h5",
        "data.shards",
    ]
    assert not verify(path).findings


def test_the_seed_alone_says_what_is_where(photos, path, tmp_path):
    one, same = build(photos, path), build(photos, tmp_path / "same.shards")
    other = build(photos, tmp_path / "other.shards", split_seed=6)
    assert one.sha256 == same.sha256 != other.sha256
    assert [each.read_bytes() for each in one.files] == [each.read_bytes() for each in same.files]


def test_what_is_there_is_not_built_again(photos, path):
    file = build(photos, path)
    before = {each: each.stat().st_mtime_ns for each in path.parent.glob("*.h5")}
    file.files[1].unlink()
    with pytest.raises(SightkitError, match="00001-of-00003"):
        DatasetFile.open(path)
    again = build(photos, path)
    assert again.sha256 == file.sha256
    changed = [each for each in before if each.stat().st_mtime_ns != before[each]]
    assert changed == [file.files[1]]


def test_a_damaged_shard_is_named_not_trusted(photos, path):
    file = build(photos, path)
    size = file.files[2].stat().st_size
    os.truncate(file.files[2], size // 2)
    with pytest.raises(SightkitError, match=r"00002-of-00003.*Delete it"):
        build(photos, path)
    file.files[2].unlink()
    assert build(photos, path).sha256 == file.sha256


def test_a_shard_of_another_build_is_not_taken(photos, path):
    build(photos, path)
    with pytest.raises(SightkitError, match="split_seed 5, now 6"):
        build(photos, path, split_seed=6)
    assert build(photos, path, split_seed=6, overwrite=True).recipe["split_seed"] == 6
    write_png(photos / "train" / "cat" / "0.png", np.zeros((5, 5, 3), np.uint8))
    with pytest.raises(SightkitError, match="no longer"):
        build(photos, path, split_seed=6)


@pytest.mark.parametrize(
    "point", ("dataset.rows:2", "dataset.rows:9", "dataset.renamed:2", "build.listed")
)
def test_a_killed_build_goes_on_to_the_same_data(point, photos, path, tmp_path):
    wanted = build(photos, tmp_path / "whole.shards")
    command = [sys.executable, "-c", JOB, str(photos), str(path)]
    killed = subprocess.run(
        command, env={**os.environ, "SIGHTKIT_CRASH_AT": point}, capture_output=True, check=False
    )
    assert killed.returncode == 137, killed.stderr
    assert not path.exists()
    finished = {each: each.stat().st_ino for each in path.parent.glob("*.h5")}
    file = build(photos, path)
    assert file.sha256 == wanted.sha256 and file.origins_sha256 == wanted.origins_sha256
    assert all(each.stat().st_ino == number for each, number in finished.items())
    assert len([each for each in path.parent.iterdir() if not each.name.startswith(".")]) == 4


def test_an_image_that_cannot_be_read(photos, path):
    bad = photos / "train" / "dog" / "3.png"
    bad.write_bytes(bad.read_bytes()[:40])
    with pytest.raises(SightkitError, match=r"dog/3\.png"):
        build(photos, path)
    with pytest.raises(SightkitError, match="1 of 76 images are left out"):
        build(photos, path, max_bad=0.01, overwrite=True)
    for _ in range(2):  # the second opens what is there
        file = build(photos, path, max_bad=0.02, overwrite=not path.exists())
        assert file.left_out == {"unreadable": 1}
        assert len(file.labels) == 75
        assert "dog/3.png" in (path.parent / "data.shards.left_out.csv").read_text()


def test_copies_in_two_splits_are_reported(photos, path, capsys):
    for name in ("cat", "dog"):
        (photos / "test" / name / "0.png").write_bytes(
            (photos / "train" / name / "0.png").read_bytes()
        )
    build(photos, path)
    told = capsys.readouterr().err
    assert "images of test are in train too" in told or "images of validation" in told


@dataclass(frozen=True)
class Empty:
    """A source of nothing."""

    def __call__(self):
        return ImageSource("none", ("a", "b"), np.zeros(0, np.int64), lambda _: None, str)

    def to_config(self):
        return {"name": "none"}


def test_what_cannot_be_built_is_refused_before_work(photos, path):
    for options, match in (
        ({"shards": 0}, "shards"),
        ({"shards": 55}, "training images"),
        ({"fractions": {"train": 0.5, "test": 0.4}}, "add up"),
        ({"max_bad": 2}, "max_bad"),
    ):
        with pytest.raises(SightkitError, match=match):
            build(photos, path, **options)
    with pytest.raises(SightkitError, match=r"\.shards"):
        build(photos, path.with_suffix(".h5"))
    with pytest.raises(SightkitError, match="must have images"):
        build_shards(Empty(), path, preprocessors=CHAIN, fractions=SHARES, shards=1)
    path.write_text("mine")
    with pytest.raises(SightkitError, match=r"data\.shards"):
        build(photos, path)
    assert path.read_text() == "mine"
    assert [each.name for each in Path(path.parent).iterdir()] == ["data.shards"]
