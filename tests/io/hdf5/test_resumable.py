"""A resumable writer goes on where it was stopped, and the end is the same to the bit."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from sightkit import _faults, _files
from sightkit._errors import SightkitError
from sightkit.io import DatasetFile, HDF5DatasetWriter, LeftOut

COUNT = 30
FEATURES = np.random.default_rng(0).normal(size=(COUNT, 7)).astype(np.float32)
LABELS = np.arange(COUNT) % 2


def writer(path, **options):
    options = {"splits": {"train": 20, "test": 10}, "recipe": {"network": "a"}, **options}
    return HDF5DatasetWriter(
        FEATURES.shape,
        path,
        class_names=("a", "b"),
        data_key="features",
        dtype="float32",
        resumable=True,
        **options,
    )


def go_on(file, *, until=COUNT, bad=()):
    """Add what is missing, three rows a time."""
    while file.position < until:
        start = file.position
        rows = range(start, min(start + 3, COUNT))
        good = [row for row in rows if row not in bad]
        file.add(
            FEATURES[good],
            LABELS[good],
            [f"photo {row}" for row in good],
            left_out=[LeftOut(row, f"photo {row}", "torn") for row in rows if row in bad],
        )


def whole(path, **options):
    with writer(path) as file:
        go_on(file, **options)
    return path.read_bytes()


def test_originals_are_stored_where_all_are_known(tmp_path):
    keys = np.arange(COUNT * 8, dtype=np.uint8).reshape(COUNT, 8)

    def add(file, first, last, **options):
        file.add(FEATURES[first:last], LABELS[first:last], **options)

    with pytest.raises(ZeroDivisionError), writer(tmp_path / "a.h5") as file:
        add(file, 0, 12, originals=keys[:12])
        1 / 0  # noqa: B018
    with writer(tmp_path / "a.h5") as file:
        assert file.position == 12
        left_out = [LeftOut(29, "photo", "torn")]
        add(file, 12, 29, originals=keys[12:29], left_out=left_out)
    np.testing.assert_array_equal(DatasetFile.open(tmp_path / "a.h5").originals(), keys[:29])
    with writer(tmp_path / "b.h5") as file:
        add(file, 0, 12, originals=keys[:12])
        add(file, 12, 30)
    assert DatasetFile.open(tmp_path / "b.h5").originals() is None


def test_a_block_that_ends_badly_is_gone_on_with(tmp_path):
    path = tmp_path / "data.h5"
    expected = whole(tmp_path / "whole.h5")
    with pytest.raises(ZeroDivisionError), writer(path) as file:
        go_on(file, until=9)
        1 / 0  # noqa: B018
    assert not path.exists()
    partial = path.with_name(path.name + _files.PARTIAL)
    with pytest.raises(SightkitError, match="no HDF5"):
        DatasetFile.open(partial)
    with writer(path) as file:
        assert file.position == 9
        go_on(file)
    assert path.read_bytes() == expected
    assert sorted(each.name for each in tmp_path.iterdir()) == ["data.h5", "whole.h5"]


def test_closing_with_rows_missing_keeps_what_is_there(tmp_path):
    path = tmp_path / "data.h5"
    with pytest.raises(SightkitError, match=r"Resume.*|rows=6, expected=30"), writer(path) as file:
        go_on(file, until=6)
    with writer(path) as file:
        assert file.position == 6
        go_on(file)
    assert np.array_equal(DatasetFile.open(path).memmap(), FEATURES)


def test_rows_left_out_shorten_their_split_and_are_counted(tmp_path):
    path = tmp_path / "data.h5"
    bad = (0, 7, 19, 20, 29)
    expected = whole(tmp_path / "whole.h5", bad=bad)
    with pytest.raises(ZeroDivisionError), writer(path) as file:
        go_on(file, until=21, bad=bad)
        1 / 0  # noqa: B018
    with writer(path) as file:
        assert (file.position, file.count) == (21, 17)
        go_on(file, bad=bad)
        assert [each.position for each in file.left_out] == list(bad)
    assert path.read_bytes() == expected
    found = DatasetFile.open(path)
    kept = [row for row in range(COUNT) if row not in bad]
    assert found.splits == {"train": (0, 17), "test": (17, 25)}
    assert np.array_equal(found.memmap(), FEATURES[kept])
    assert found.sources() == tuple(f"photo {row}" for row in kept)
    assert found.left_out == {"unreadable": 5}


def test_an_emptied_split_is_dropped_but_training_must_have_rows(tmp_path):
    with writer(tmp_path / "data.h5") as file:
        go_on(file, bad=range(20, 30))
    assert DatasetFile.open(tmp_path / "data.h5").splits == {"train": (0, 20)}
    with pytest.raises(SightkitError, match="training split"), writer(tmp_path / "b.h5") as file:
        go_on(file, bad=range(20))


@pytest.mark.parametrize(
    "change",
    (
        {"recipe": {"network": "b"}},
        {"splits": {"train": 21, "test": 9}},
        {"preprocessing": {"name": "Pipeline", "steps": [1]}},
    ),
)
def test_another_ones_unfinished_file_is_neither_taken_nor_lost(change, tmp_path):
    path = tmp_path / "data.h5"
    with pytest.raises(SightkitError, match="Resume"), writer(path) as file:
        go_on(file, until=6)
    with pytest.raises(SightkitError, match="unfinished file of that name is of other data"):
        writer(path, **change)
    with writer(path) as file:
        assert file.position == 6
        file.abort()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(SightkitError, match="Resume"), writer(path) as file:
        go_on(file, until=6)
    with writer(path, overwrite=True, **change) as file:
        assert file.position == 0
        go_on(file)
    assert np.array_equal(DatasetFile.open(path).memmap(), FEATURES)


@pytest.mark.parametrize("damage", ("row", "journal", "torn line", "no rows", "short"))
def test_what_is_not_as_it_was_written_is_written_again(damage, tmp_path):
    path = tmp_path / "data.h5"
    expected = whole(tmp_path / "whole.h5")
    with pytest.raises(SightkitError, match="Resume"), writer(path) as file:
        go_on(file, until=9)
    partial = path.with_name(path.name + _files.PARTIAL)
    journal = partial.with_name(partial.name + ".journal")
    rows, lines = bytearray(partial.read_bytes()), journal.read_bytes()
    if damage == "row":
        place = rows.index(FEATURES[4].tobytes())
        rows[place] ^= 1
        partial.write_bytes(rows)
    elif damage == "short":
        partial.write_bytes(rows[: rows.index(FEATURES[4].tobytes()) + 2])
    elif damage == "no rows":
        partial.unlink()
    elif damage == "journal":
        journal.write_bytes(lines.replace(b"photo 4", b"photo 5"))
    else:
        journal.write_bytes(lines[:-20])
    with writer(path) as file:
        assert file.position == {"torn line": 6, "no rows": 0}.get(damage, 3)
        go_on(file)
    assert path.read_bytes() == expected


JOB = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_resumable import go_on, writer
with writer(Path(sys.argv[1])) as file:
    go_on(file, bad=(4, 25))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "point",
    (
        "dataset.created",
        "dataset.rows",
        "dataset.rows:7",
        "dataset.flushed",
        "dataset.complete",
        "dataset.synced",
    ),
)
def test_a_kill_costs_a_portion_at_most(point, tmp_path):
    path = tmp_path / "data.h5"
    expected = whole(tmp_path / "whole.h5", bad=(4, 25))
    killed = subprocess.run(
        [sys.executable, "-c", JOB, str(path), os.path.dirname(__file__)],
        env={**os.environ, _faults.CRASH_VARIABLE: point},
        timeout=60,
        check=False,
    )
    assert killed.returncode == 137 and not path.exists()
    with writer(path) as file:
        done = {"dataset.created": 0, "dataset.rows": 3, "dataset.rows:7": 21}
        assert file.position == done.get(point, COUNT)
        go_on(file, bad=(4, 25))
    assert path.read_bytes() == expected


def test_many_features_fit(tmp_path):
    """The mean of 25,088 columns would not fit into an attribute."""
    rows = np.ones((2, 25_088), np.float32)
    path = tmp_path / "data.h5"
    with HDF5DatasetWriter(
        rows.shape, path, class_names=("a",), data_key="features", dtype="float32"
    ) as file:
        file.add(rows, [0, 0])
    assert DatasetFile.open(path).mean.shape == (0,)
