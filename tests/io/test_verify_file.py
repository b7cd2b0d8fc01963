"""Rows of a dataset file are held against their hashes."""

from __future__ import annotations

import csv

import h5py
import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit._hdf5 import attribute
from sightkit.io import DatasetFile, HDF5DatasetWriter, verify
from sightkit.io.hdf5.values import attributes_sha256


def write(path, rows, dtype="uint8", **splits):
    with HDF5DatasetWriter(
        rows.shape, path, class_names=("a", "b"), dtype=dtype, splits=splits or None
    ) as writer:
        writer.add(
            rows, np.arange(len(rows)) % 2, [f"photos/{row}.jpg" for row in range(len(rows))]
        )
    return path


@pytest.fixture
def rows(rng):
    return rng.integers(0, 256, (40, 6, 5, 3)).astype(np.uint8)


def flip(path, row, byte=7):
    """Change one bit of a row, as a failing disk does: HDF5 does not notice."""
    file = DatasetFile.open(path)
    size = file.dtype.itemsize * int(np.prod(file.shape[1:]))
    with open(path, "r+b") as raw:
        raw.seek(file.offset + row * size + byte)
        value = raw.read(1)[0]
        raw.seek(-1, 1)
        raw.write(bytes([value ^ 1]))


def test_a_good_file_is_good(rows, tmp_path):
    path = write(tmp_path / "data.h5", rows, train=30, test=10)
    before = path.read_bytes()
    found = verify(path)
    assert (found.checked, found.findings) == (40, ())
    assert path.read_bytes() == before


@pytest.mark.parametrize("row", (0, 17, 39))
def test_a_flipped_bit_is_found_and_its_source_named(row, rows, tmp_path, monkeypatch):
    from sightkit.io import verification

    monkeypatch.setattr(verification, "PORTION_BYTES", 300)  # several portions
    path = write(tmp_path / "data.h5", rows)
    flip(path, row)
    found = verify(path, tolerance=0.05, output=tmp_path / "list.csv")
    (bad,) = found.bad
    assert bad.path == f"photos/{row}.jpg"
    assert bad.reason == f"row {row}: the pixels differ from what was written"
    with open(tmp_path / "list.csv", newline="") as file:
        assert [line["path"] for line in csv.DictReader(file)] == [bad.path]
    with pytest.raises(SightkitError, match=r"1 of 40.*2\.50%"):
        verify(path)


def test_copies_in_two_splits_are_bad_within_one_they_are_not(rows, tmp_path):
    rows[35] = rows[3]
    rows[36] = rows[25]
    rows[8] = rows[7]
    path = write(tmp_path / "data.h5", rows, train=20, validation=10, test=10)
    found = verify(path, tolerance=0.05)
    assert [(bad.path, bad.reason) for bad in found.bad] == [
        ("photos/35.jpg", "row 35: the same pixels as row 3 of train are in test"),
        (
            "photos/36.jpg",
            "row 36: the same pixels as row 25 of validation are in test",
        ),
    ]


def test_floats_must_be_finite(tmp_path):
    rows = np.ones((200, 4), np.float32) * np.arange(200, dtype=np.float32)[:, None]
    assert verify(write(tmp_path / "good.h5", rows, "float32")).findings == ()
    rows[7, 2] = np.nan
    rows[9, 0] = np.inf
    path = write(tmp_path / "data.h5", rows, "float32", train=100, test=100)
    found = verify(path)
    assert [bad.reason for bad in found.bad] == ["row 7: not finite", "row 9: not finite"]


def test_another_mean_is_an_error_whatever_is_tolerated(rows, tmp_path):
    path = write(tmp_path / "data.h5", rows, train=30, test=10)
    with h5py.File(path, "r+") as file:
        file.attrs["mean"] = file.attrs["mean"] + 1
        found = {name: attribute(file, name) for name in file.attrs if name != "attributes_sha256"}
        file.attrs["attributes_sha256"] = attributes_sha256(found)
    with pytest.raises(SightkitError, match="its mean is not that"):
        verify(path, tolerance=1)


@pytest.mark.parametrize("change", ("missing", "short", "link"))
def test_damaged_sources_are_an_error(change, rows, tmp_path):
    path = write(tmp_path / "data.h5", rows)
    with h5py.File(path, "r+") as file:
        del file["sources"]
        if change == "short":
            file["sources"] = ["one"]
        if change == "link":
            file["sources"] = h5py.SoftLink("/class_names")
    with pytest.raises(SightkitError, match=r"damaged.*sources"):
        verify(path)


def test_a_file_that_was_never_completed_or_is_none_is_an_error(tmp_path):
    (tmp_path / "data.h5").write_bytes(b"hello")
    with pytest.raises(SightkitError, match="no HDF5 dataset"):
        verify(tmp_path / "data.h5")
