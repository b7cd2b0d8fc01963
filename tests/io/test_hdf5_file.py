"""A reader that trusts nothing: damaged, incomplete and hostile files are refused, by name."""

from __future__ import annotations

import hashlib

import h5py
import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.io import DatasetFile, HDF5DatasetGenerator


@pytest.fixture
def path(write_dataset):
    return write_dataset()


def refuse(path, match):
    for opening in (DatasetFile.open, lambda path: HDF5DatasetGenerator(path, 4)):
        with pytest.raises(SightkitError, match=match) as refused:
            opening(path)
        assert path.name in str(refused.value)
        assert "\n" not in str(refused.value)


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


def test_a_shape_larger_than_the_file_is_refused_before_memory_is_taken(path):
    with h5py.File(path, "r+") as file:
        del file["images"]
        file.create_dataset("images", (2**20, 2**20, 100, 3), "u1", chunks=(1, 100, 100, 3))
    refuse(path, "more than the file has")


def test_labels_that_declare_more_than_the_file_has_are_refused(path):
    with h5py.File(path, "r+") as file:
        del file["labels"]
        file.create_dataset("labels", (2**50,), "i8", chunks=(1024,))
    refuse(path, "more than the file has")


def test_rows_of_another_number_than_labels_are_refused(path):
    with h5py.File(path, "r+") as file:
        del file["images"]
        file["images"] = np.zeros((30, 8, 8, 1), np.uint8)
    refuse(path, "30 rows for 31 labels")


def test_a_group_in_place_of_a_dataset_is_refused(path):
    with h5py.File(path, "r+") as file:
        del file["images"]
        file.create_group("images")
    refuse(path, "damaged")


@pytest.mark.parametrize("share", (0.0, 0.1, 0.5, 0.9, 0.999))
def test_a_file_that_is_cut_off_is_refused(path, share):
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    refuse(path, "damaged")


@pytest.mark.parametrize("content", (b"hello\n", b"\x89HDF\r\n\x1a\n" + bytes(2000)))
def test_another_kind_of_file_is_refused(path, content):
    path.write_bytes(content)
    refuse(path, "damaged")


def test_another_hdf5_file_is_refused(path):
    with h5py.File(path, "w") as file:
        file["images"] = np.zeros((3, 4, 4, 1), np.uint8)
    refuse(path, "must be a dataset that HDF5DatasetWriter wrote")


def test_no_file_and_a_folder_are_refused(tmp_path):
    refuse(tmp_path / "nothing.h5", "No dataset file is there")
    (tmp_path / "folder.h5").mkdir()
    refuse(tmp_path / "folder.h5", "No dataset file is there")


def test_rows_are_read_only(path):
    rows = DatasetFile.open(path).memmap()
    with pytest.raises(ValueError, match="read-only"):
        rows[0] = 0


def test_hashes_are_those_of_the_rows(write_dataset):
    file = DatasetFile.open(write_dataset())
    wanted = [hashlib.sha256(np.ascontiguousarray(row)).digest() for row in file.memmap()]
    assert [row.tobytes() for row in file.hashes()] == wanted
