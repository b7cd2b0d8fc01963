"""A reader that trusts nothing: damaged, incomplete and hostile files are refused, by name."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import subprocess
import sys

import h5py
import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit._hdf5 import attribute
from sightkit.io import DatasetFile, HDF5DatasetGenerator
from sightkit.io.hdf5.values import attributes_sha256, identity


@pytest.fixture
def path(write_dataset):
    return write_dataset()


def refuse(path, match):
    for opening in (DatasetFile.open, lambda path: HDF5DatasetGenerator(path, 4)):
        with pytest.raises(SightkitError, match=match) as refused:
            opening(path)
        assert path.name in str(refused.value)
        assert "\n" not in str(refused.value)


def rewrite(path, **changes):
    """Change datasets or splits as somebody would who also signs what he has changed."""
    with h5py.File(path, "r+") as file:
        splits = changes.pop("splits", json.loads(file.attrs["splits"]))
        file.attrs["splits"] = json.dumps(splits)
        for name, value in changes.items():
            del file[name]
            file[name] = value
        names = tuple(file["class_names"].asstr()[...])
        ends = {name: tuple(pair) for name, pair in splits.items()}
        labels, hashes = file["labels"][...], file["hashes"][...]
        file.attrs["labels_sha256"] = identity(labels, hashes, names, ends)
        sign(file)


def sign(file):
    found = {name: attribute(file, name) for name in file.attrs if name != "attributes_sha256"}
    file.attrs["attributes_sha256"] = attributes_sha256(found)


def test_a_whole_file_is_opened(path):
    assert DatasetFile.open(path).shape == (31, 8, 8, 1)


@pytest.mark.parametrize("marker", (None, 0))
def test_a_file_without_its_marker_is_refused(path, marker):
    with h5py.File(path, "r+") as file:
        del file.attrs["complete"]
        if marker is not None:
            file.attrs["complete"] = marker
    refuse(path, "never completed")


@pytest.mark.parametrize("name", ("labels", "hashes"))
def test_a_flipped_bit_in_labels_or_hashes_is_noticed(path, name):
    with h5py.File(path) as file:
        offset = file[name].id.get_offset()
    content = bytearray(path.read_bytes())
    content[offset + 8] ^= 1
    path.write_bytes(content)
    refuse(path, "damaged")


def test_changed_class_names_and_splits_are_noticed(path, write_dataset):
    with h5py.File(path, "r+") as file:
        file["class_names"][0] = "other"
    refuse(path, "damaged")
    other = write_dataset("other.h5")
    with h5py.File(other, "r+") as file:
        file.attrs["splits"] = '{"train": [0, 26], "test": [26, 31]}'
    refuse(other, "damaged")


def test_a_newer_schema_is_refused(path):
    with h5py.File(path, "r+") as file:
        file.attrs["schema"] = 99
    refuse(path, "newer version.*Update")


@pytest.mark.parametrize(
    "name", ("format", "schema", "splits", "labels_sha256", "data_key", "recipe", "mean", "colour")
)
def test_a_missing_attribute_is_refused(path, name):
    with h5py.File(path, "r+") as file:
        del file.attrs[name]
    refuse(path, "The (dataset )?file (is damaged|must be a dataset)")


@pytest.mark.parametrize("name", ("images", "labels", "hashes", "class_names"))
def test_a_missing_dataset_is_refused(path, name):
    with h5py.File(path, "r+") as file:
        del file[name]
    refuse(path, "damaged")


@pytest.mark.parametrize("name", ("images", "labels", "class_names"))
@pytest.mark.parametrize("kind", ("soft", "external"))
def test_links_are_refused_even_to_a_good_file(path, name, kind, write_dataset):
    target = write_dataset("target.h5")
    with h5py.File(path, "r+") as file:
        file.move(name, "moved")
        file[name] = (
            h5py.SoftLink("/moved") if kind == "soft" else h5py.ExternalLink(target.name, name)
        )
    refuse(path, f"{name} is a link")


def test_bytes_outside_of_the_file_are_refused(path):
    secret = path.with_name("secret.bin")
    secret.write_bytes(bytes(31 * 64))
    with h5py.File(path, "r+") as file:
        del file["images"]
        file.create_dataset(
            "images", (31, 8, 8, 1), "u1", external=[(str(secret), 0, h5py.h5f.UNLIMITED)]
        )
    refuse(path, "no dataset of this file's own")


def test_a_virtual_dataset_is_refused(path, write_dataset):
    target = write_dataset("target.h5")
    with h5py.File(path, "r+") as file:
        del file["images"]
        layout = h5py.VirtualLayout((31, 8, 8, 1), "u1")
        layout[...] = h5py.VirtualSource(target, "images", (31, 8, 8, 1))
        file.create_virtual_dataset("images", layout)
    refuse(path, "no dataset of this file's own")


def test_a_shape_beyond_the_file_is_refused_before_allocation(path):
    with h5py.File(path, "r+") as file:
        del file["images"]
        file.create_dataset("images", (2**20, 2**20, 100, 3), "u1", chunks=(1, 100, 100, 3))
    refuse(path, "more bytes than the file has")


def test_labels_that_declare_more_than_the_file_has_are_refused(path):
    with h5py.File(path, "r+") as file:
        del file["labels"]
        file.create_dataset("labels", (2**50,), "i8", chunks=(1024,))
    refuse(path, "more bytes than the file has")


def test_rows_of_another_number_than_labels_are_refused(path):
    with h5py.File(path, "r+") as file:
        del file["images"]
        file["images"] = np.zeros((30, 8, 8, 1), np.uint8)
    refuse(path, "images holds no rows for 31 labels")


def test_a_group_in_place_of_a_dataset_is_refused(path):
    with h5py.File(path, "r+") as file:
        del file["images"]
        file.create_group("images")
    refuse(path, "damaged")


@pytest.mark.parametrize("share", (0.1, 0.5, 0.9, 0.999))
def test_a_file_that_is_cut_off_is_refused(path, share):
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    refuse(path, "damaged")


@pytest.mark.parametrize(
    ("content", "told"),
    (
        (b"", "no HDF5 dataset.*Check the path"),
        (b"hello\n", "no HDF5 dataset.*Check the path"),
        (b"\x89HDF\r\n\x1a\n" + bytes(2000), "damaged.*Check the path"),
    ),
)
def test_a_users_own_file_is_refused_without_advice_to_delete_it(content, told, path):
    path.write_bytes(content)
    with pytest.raises(SightkitError, match=told) as refused:
        DatasetFile.open(path)
    assert "elete" not in str(refused.value)


def test_another_hdf5_file_is_refused(path):
    with h5py.File(path, "w") as file:
        file["images"] = np.zeros((3, 4, 4, 1), np.uint8)
    refuse(path, "must be a dataset that HDF5DatasetWriter wrote")


def test_no_file_and_a_folder_are_refused(tmp_path):
    refuse(tmp_path / "nothing.h5", "The file must exist")
    (tmp_path / "folder.h5").mkdir()
    refuse(tmp_path / "folder.h5", "this is a folder")


def test_rows_are_read_only(path):
    rows = DatasetFile.open(path).memmap()
    with pytest.raises(ValueError, match="read-only"):
        rows[0] = 0


@pytest.mark.parametrize(
    ("changes", "told"),
    (
        ({"labels": np.full(31, 3)}, "none of the 3 classes"),
        ({"labels": np.full(31, -1)}, "none of the 3 classes"),
        ({"class_names": ["a", "b", "a"]}, "a name of its own"),
        ({"hashes": np.zeros((31, 16), np.uint8)}, r"of shape \(31, 16\)"),
        ({"hashes": np.zeros((30, 32), np.uint8)}, "30 hashes for 31 rows"),
        ({"splits": {"train": [0, 20], "test": [20, 99]}}, "do not divide 31 rows"),
        ({"splits": {"train": [0, 20], "test": [19, 31]}}, "do not divide 31 rows"),
        ({"splits": {"train": [0, 31], "test": [31, 31]}}, "do not divide 31 rows"),
        ({"splits": {"train": [-31, 31]}}, "greater than or equal to 0"),
        ({"splits": {"train": [0, 20]}}, "do not divide 31 rows"),
    ),
)
def test_values_that_make_no_sense_are_refused_even_if_signed(changes, told, path):
    rewrite(path, **changes)
    refuse(path, f"damaged.*{told}")


@pytest.mark.parametrize("kind", ("text", "references", "records", "bytes"))
def test_rows_that_are_no_numbers_are_refused(kind, path):
    """Mapped, texts and references would be taken for addresses."""
    dtypes = {
        "text": h5py.string_dtype(),
        "references": h5py.ref_dtype,
        "records": np.dtype("u1, u1"),
        "bytes": np.dtype("S64"),
    }
    with h5py.File(path, "r+") as file:
        del file["images"]
        rows = file.create_dataset("images", (31, 1), dtypes[kind])
        if kind in ("text", "bytes"):
            rows[:] = "text"
    refuse(path, "damaged.*images holds")


def test_labels_that_are_no_integers_are_refused(path):
    with h5py.File(path, "r+") as file:
        del file["labels"]
        file["labels"] = ["1"] * 31
    refuse(path, "damaged.*labels holds")


def test_an_attribute_of_no_kind_is_refused(path):
    """A text of variable length is one bit from a kind that HDF5 crashes at."""
    content = bytearray(path.read_bytes())
    content[content.index(b"colour\0\0\x19\1") + len(b"colour\0\0\x19")] ^= 8
    path.write_bytes(content)
    refuse(path, "damaged.*attribute colour holds")


def test_rows_beyond_the_end_of_the_file_are_refused_at_opening(path):
    """Cut off within the rows, if these are what lies last."""
    with h5py.File(path, "r+") as file:
        rows = file["images"][...]
        del file["images"]
        file.create_dataset("images", data=np.resize(rows, (31, 200, 20, 1)))
        end = file["images"].id.get_offset() + file["images"].nbytes
    assert path.stat().st_size >= end
    content = path.read_bytes()
    for cut in (end - 1, end - 1000):
        path.write_bytes(content[:cut])
        refuse(path, "damaged")


def replace_by_a_copy(path, other):
    os.replace(other, path)


def write_into(path, other):
    content = other.read_bytes()
    path.write_bytes(content)


def cut(path, other):
    with open(path, "r+b") as file:
        file.truncate(3000)


def remove(path, other):
    path.unlink()


@pytest.mark.parametrize("change", (replace_by_a_copy, write_into, cut, remove))
@pytest.mark.parametrize("pickled", (False, True))
def test_a_file_changed_since_opening_is_not_read(change, pickled, path, write_dataset):
    generator = HDF5DatasetGenerator(path, 4)
    if pickled:
        generator[0]  # this process has mapped the file, another would map it anew
        generator = pickle.loads(pickle.dumps(generator))
    change(path, write_dataset("other.h5", seed=1, shape=(16, 16, 3)))
    with pytest.raises(SightkitError, match=r"replaced or changed|can no longer be read") as told:
        generator[0]
    assert path.name in str(told.value)


def test_mapped_rows_stay_readable_when_the_file_is_replaced(path, write_dataset):
    generator = HDF5DatasetGenerator(path, 31)
    expected = generator[0][0].copy()
    os.replace(write_dataset("other.h5", seed=1), path)
    assert np.array_equal(generator[0][0], expected)


def test_a_file_can_be_read_where_nothing_can_be_locked(path, monkeypatch):
    """Some network file systems have no locks to give."""
    opened = h5py.File

    def without_locks(name, mode, *, locking=None):
        if locking is not False:
            raise OSError("unable to lock file, errno = 37, error message = 'No locks available'")
        return opened(name, mode, locking=False)

    monkeypatch.setattr(h5py, "File", without_locks)
    assert DatasetFile.open(path).shape == (31, 8, 8, 1)


def test_hashes_are_those_of_the_rows(write_dataset):
    file = DatasetFile.open(write_dataset())
    wanted = [hashlib.sha256(np.ascontiguousarray(row)).digest() for row in file.memmap()]
    assert [row.tobytes() for row in file.hashes()] == wanted


SESSION = """
import sys, h5py
from sightkit.io import DatasetFile
for mode in ("r", "r+"):
    for locking in (None, True, False):
        with h5py.File(sys.argv[1], mode, locking=locking) as session:
            found = DatasetFile.open(sys.argv[1])
            assert found.sources() == tuple(session["sources"].asstr()[...])
"""


def test_open_reads_a_file_that_is_open_in_the_same_session(path):
    settings = {k: v for k, v in os.environ.items() if k != "HDF5_USE_FILE_LOCKING"}
    command = [sys.executable, "-c", SESSION, str(path)]
    result = subprocess.run(command, env=settings, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
