"""A dataset in shards is read as one file is; what is missing, damaged or strange is refused."""

from __future__ import annotations

import json
import pickle
import shutil

import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.io import DatasetFile, HDF5DatasetGenerator, Manifest, verify, write_rows
from sightkit.io.hdf5.sharded_rows import ShardedRows
from sightkit.io.hdf5.shards import shard_path, write_list_of


@pytest.fixture
def whole(write_dataset):
    return DatasetFile.open(write_dataset(train=20, validation=7, test=5))


@pytest.fixture
def sharded(whole, tmp_path):
    """The list of three shards that hold the rows of ``whole`` in its order."""
    path = tmp_path / "split.shards"
    parts = {name: np.array_split(np.arange(*whole.rows(name)), 3) for name in whole.splits}
    for number in range(3):
        rows = {name: part[number] for name, part in parts.items()}
        write_rows(shard_path(path, number, 3), whole, rows, recipe={"shard": number})
    write_list_of(path, [DatasetFile.open(shard_path(path, number, 3)) for number in range(3)])
    return path


def test_shards_are_read_as_one_file_is(whole, sharded):
    file = DatasetFile.open(sharded)
    assert file.shape == whole.shape and file.splits == whole.splits
    np.testing.assert_array_equal(file.labels, whole.labels)
    np.testing.assert_array_equal(file.hashes(), whole.hashes())
    np.testing.assert_array_equal(np.asarray(file.memmap()), whole.memmap())
    np.testing.assert_allclose(file.mean, whole.mean, rtol=1e-12)
    assert file.sources() == whole.sources()
    assert file.class_names == whole.class_names
    assert "shard" not in file.recipe
    assert len(file.files) == 3
    assert "train 20" in repr(file)
    assert pickle.loads(pickle.dumps(file)).sha256 == file.sha256


@pytest.mark.parametrize(
    "rows",
    (
        *(0, -1, 31, [], [3, 31, 3], np.arange(32) % 3 == 0),
        *(slice(2, 5), slice(4, 12), slice(None), slice(30, 3, -4), slice(5, 5)),
    ),
)
def test_rows_are_those_of_one_file_however_they_are_asked_for(rows, whole, sharded):
    for _ in range(2):
        found = DatasetFile.open(sharded).read(rows)
        wanted = whole.memmap()[np.array(rows, int) if isinstance(rows, list) else rows]
        np.testing.assert_array_equal(found, wanted)


def test_a_row_that_is_not_there_is_an_index_error(whole, sharded):
    for rows in (32, -33, [0, 32]):
        with pytest.raises(IndexError):
            DatasetFile.open(sharded).memmap()[rows]


def test_within_a_shard_nothing_is_copied():
    part = np.arange(12).reshape(6, 2)
    rows = ShardedRows([part[:2], part[2:]])
    assert np.shares_memory(rows[2:5], part) and np.shares_memory(rows[1], part)
    assert not np.shares_memory(rows[1:3], part)


def test_a_generator_gives_the_batches_of_one_file(whole, sharded):
    options = {"shuffle": True, "seed": 3}
    for one, other in zip(
        HDF5DatasetGenerator(whole.path, 8, **options),
        HDF5DatasetGenerator(sharded, 8, **options),
        strict=True,
    ):
        for part, same in zip(one, other, strict=True):
            np.testing.assert_array_equal(part, same)


def test_the_training_images_are_known_again(whole, sharded):
    one, other = Manifest.of(whole), Manifest.of(DatasetFile.open(sharded))
    np.testing.assert_array_equal(one.keys, other.keys)


def test_verification_names_the_row_of_a_shard(sharded):
    assert not verify(sharded).bad
    flip(sharded, 1)
    (bad,) = verify(sharded, tolerance=0.1).bad
    assert bad.path == DatasetFile.open(sharded).sources()[8]  # the second of the second shard
    assert bad.reason.startswith("row 8, in split-00001-of-00003.h5: ")
    with pytest.raises(SightkitError, match=r"split-00001-of-00003\.h5"):
        DatasetFile.open(sharded).read([0, 8])
    DatasetFile.open(sharded).read([0, 7, 9])


def test_a_shard_that_is_missing_is_named(sharded):
    shard_path(sharded, 1, 3).unlink()
    refuse(sharded, "split-00001-of-00003")


def test_a_shard_of_other_data_is_named(whole, sharded):
    place = shard_path(sharded, 2, 3)
    old = DatasetFile.open(place)
    rows = {name: whole.rows(name)[0] + np.arange(b - a) for name, (a, b) in old.splits.items()}
    place.unlink()
    write_rows(place, whole, rows, recipe={"shard": 2})
    assert DatasetFile.open(place).shape == old.shape
    refuse(sharded, "split-00002-of-00003")


@pytest.mark.parametrize("content", (b"", b"{}", b"\x89HDF\r\n\x1a\n" + bytes(100)))
def test_a_shard_that_is_damaged_is_named(content, sharded):
    shard_path(sharded, 1, 3).write_bytes(content)
    refuse(sharded, "split-00001-of-00003")


def test_a_shard_replaced_since_is_noticed(sharded):
    file = DatasetFile.open(sharded)
    shutil.copy(shard_path(sharded, 0, 3), shard_path(sharded, 2, 3))
    with pytest.raises(SightkitError, match="replaced"):
        file.memmap()


@pytest.mark.parametrize(
    "change",
    (
        lambda found: found["shards"].pop(),
        lambda found: found["shards"].reverse(),
        lambda found: found["shards"].clear(),
        lambda found: found.update(schema=2),
        lambda found: found.update(format="other"),
        lambda found: found["shards"][0].update(rows=1),
        lambda found: found["shards"][0].update(file="../split-00000-of-00003.h5"),
        lambda found: found["shards"][0].update(file="split.shards"),
    ),
)
def test_a_list_that_was_changed_is_refused(change, sharded):
    found = json.loads(sharded.read_text())
    change(found)
    sharded.write_text(json.dumps(found))
    refuse(sharded, "split")


def test_shards_of_two_datasets_are_refused(sharded, write_dataset):
    other = DatasetFile.open(write_dataset("other.h5", classes=2))
    write_list_of(sharded, [DatasetFile.open(shard_path(sharded, 0, 3)), other])
    refuse(sharded, r"other\.h5")


def test_other_json_is_no_dataset(tmp_path):
    (tmp_path / "labels.json").write_text('{"a": 1}')
    refuse(tmp_path / "labels.json", "labels")


def flip(sharded, number):
    """Change a bit of the second row of a shard."""
    file = DatasetFile.open(shard_path(sharded, number, 3))
    with open(file.path, "r+b") as raw:
        raw.seek(file.offset + int(np.prod(file.shape[1:])) + 3)
        value = raw.read(1)[0]
        raw.seek(-1, 1)
        raw.write(bytes([value ^ 1]))


def refuse(path, match):
    for opening in (DatasetFile.open, lambda path: HDF5DatasetGenerator(path, 4), verify):
        with pytest.raises(SightkitError, match=match) as refused:
            opening(path)
        assert "\n" not in str(refused.value)
