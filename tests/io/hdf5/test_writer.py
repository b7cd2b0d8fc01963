"""Write and read again; and what must never be written, replaced or left behind."""

from __future__ import annotations

import hashlib
import json

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightkit import _files
from sightkit._errors import SightkitError
from sightkit.io import DatasetFile, HDF5DatasetWriter

CLASSES = ("eins", "zwei ☃", "three")


def some_rows(count, shape=(4, 5, 3), dtype=np.uint8, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (count, *shape)).astype(dtype), rng.integers(0, 3, count)


def write(path, count=10, **options):
    rows, labels = some_rows(count)
    with HDF5DatasetWriter(rows.shape, path, class_names=CLASSES, **options) as writer:
        writer.add(rows, labels)
    return rows, labels


def left_in(folder):
    return sorted(path.name for path in folder.iterdir())


@given(
    counts=st.lists(st.integers(0, 9), min_size=1, max_size=5).filter(any),
    shape=st.tuples(st.integers(1, 6), st.integers(1, 6), st.sampled_from((1, 3))),
    dtype=st.sampled_from(("uint8", "float32")),
)
def test_what_is_written_in_any_portions_is_read_again(tmp_path_factory, counts, shape, dtype):
    path = tmp_path_factory.mktemp("data") / "data.h5"
    rows, labels = some_rows(sum(counts), shape, dtype)
    with HDF5DatasetWriter(rows.shape, path, class_names=CLASSES, dtype=dtype) as writer:
        start = 0
        for count in counts:
            writer.add(rows[start : start + count], labels[start : start + count])
            start += count
    file = DatasetFile.open(path)
    assert file.dtype == np.dtype(dtype)
    assert np.array_equal(file.memmap(), rows)
    assert np.array_equal(file.labels, labels)
    assert file.class_names == CLASSES
    assert file.splits == {"train": (0, len(rows))}
    assert file.colour == ("gray" if shape[2] == 1 else "RGB")
    assert np.allclose(file.mean, rows.reshape(-1, shape[2]).mean(axis=0, dtype=np.float64))


def test_splits_recipe_preprocessing_sources_and_hashes_are_kept(tmp_path):
    rows, labels = some_rows(6)
    path = tmp_path / "data.h5"
    with HDF5DatasetWriter(
        rows.shape,
        path,
        class_names=CLASSES,
        splits={"train": 3, "validation": 1, "test": 2},
        preprocessing={"name": "Pipeline", "steps": []},
        recipe={"source": "täst", "limit": None},
    ) as writer:
        writer.add(rows[:4], labels[:4], [f"folder/ä {row}.jpg" for row in range(4)])
        writer.add(rows[4:], labels[4:])
    file = DatasetFile.open(path)
    assert file.splits == {"train": (0, 3), "validation": (3, 4), "test": (4, 6)}
    assert file.rows("test") == (4, 6)
    assert file.recipe == {"source": "täst", "limit": None}
    assert file.preprocessing == {"name": "Pipeline", "steps": []}
    with h5py.File(path) as raw:
        assert list(raw["sources"].asstr()[:5]) == [
            *(f"folder/ä {row}.jpg" for row in range(4)),
            "row 4",
        ]
        for row in range(6):
            assert raw["hashes"][row].tobytes() == hashlib.sha256(rows[row].tobytes()).digest()
    with pytest.raises(SightkitError, match=r"train.*validation.*test.*Received: split='tset'"):
        file.rows("tset")


def test_the_mean_is_that_of_the_training_rows_alone(tmp_path):
    rows, labels = some_rows(8)
    means = []
    for name, others in (
        ("a", rows),
        ("b", np.where(np.arange(8)[:, None, None, None] < 5, rows, 0)),
    ):
        path = tmp_path / f"{name}.h5"
        with HDF5DatasetWriter(
            rows.shape, path, class_names=CLASSES, splits={"train": 5, "test": 3}
        ) as writer:
            for start in range(0, 8, 3):  # one portion lies across the end of the split
                writer.add(others[start : start + 3], labels[start : start + 3])
        means.append(DatasetFile.open(path).mean)
    assert np.array_equal(*means)
    assert np.allclose(means[0], rows[:5].mean(axis=(0, 1, 2)))


def test_the_identity_says_whether_the_data_are_the_same(tmp_path):
    def identity(name, rows, labels, classes=CLASSES, **options):
        path = tmp_path / name
        with HDF5DatasetWriter(rows.shape, path, class_names=classes, **options) as writer:
            writer.add(rows, labels)
        return DatasetFile.open(path).sha256

    rows, labels = some_rows(6)
    first = identity("first", rows, labels)
    other_pixel, other_label = rows.copy(), labels.copy()
    other_pixel[3, 2, 1, 0] ^= 1
    other_label[2] = (other_label[2] + 1) % 3
    assert identity("again", rows, labels, recipe={"other": 1}) == first
    different = {
        identity("pixel", other_pixel, labels),
        identity("label", rows, other_label),
        identity("order", rows[::-1], labels),
        identity("classes", rows, labels, ("a", "b", "c")),
        identity("splits", rows, labels, splits={"train": 5, "test": 1}),
    }
    assert len(different | {first}) == 6


def test_images_lie_contiguous_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "data.h5"
    write(path)
    with h5py.File(path) as raw:
        assert raw["images"].chunks is None
        assert raw.attrs["complete"] == 1
        assert raw.attrs["format"] == "sightkit-dataset"
        assert json.loads(raw.attrs["splits"]) == {"train": [0, 10]}
    assert left_in(tmp_path) == ["data.h5"]


def test_a_file_that_exists_is_not_replaced_unless_told(tmp_path):
    path = tmp_path / "data.h5"
    write(path, 3)
    before = path.read_bytes()
    with pytest.raises(SightkitError, match=r"--overwrite.*|existing dataset"):
        write(path, 4)
    assert path.read_bytes() == before
    write(path, 4, overwrite=True)
    assert DatasetFile.open(path).shape[0] == 4
    assert left_in(tmp_path) == ["data.h5"]


@pytest.mark.parametrize("old", (False, True))
def test_an_exception_inside_the_block_leaves_what_was_there(old, tmp_path):
    path = tmp_path / "data.h5"
    if old:
        write(path)
    before = {name: (tmp_path / name).read_bytes() for name in left_in(tmp_path)}
    rows, labels = some_rows(3)
    with (
        pytest.raises(ZeroDivisionError),
        HDF5DatasetWriter((6, 4, 5, 3), path, class_names=CLASSES, overwrite=True) as writer,
    ):
        writer.add(rows, labels)
        assert not path.exists() or path.read_bytes() == before["data.h5"]
        1 / 0  # noqa: B018
    assert {name: (tmp_path / name).read_bytes() for name in left_in(tmp_path)} == before


@pytest.mark.parametrize(
    ("rows", "labels", "told"),
    (
        (np.zeros((2, 4, 5, 3), np.float32), [0, 1], "dtype=float32"),
        (np.zeros((2, 4, 5, 3), np.int64), [0, 1], "dtype=int64"),
        (np.zeros((2, 5, 4, 3), np.uint8), [0, 1], r"shape=\(2, 5, 4, 3\)"),
        (np.zeros((2, 4, 5, 1), np.uint8), [0, 1], r"shape=\(2, 4, 5, 1\)"),
        (np.zeros((4, 5, 3), np.uint8), [0, 1], r"shape=\(4, 5, 3\)"),
        (np.zeros((2, 4, 5, 3), np.uint8), [0], r"labels=\(1,\)"),
        (np.zeros((2, 4, 5, 3), np.uint8), [0.0, 1.0], "dtype=float64"),
        (np.zeros((2, 4, 5, 3), np.uint8), [True, False], "dtype=bool"),
        (np.zeros((2, 4, 5, 3), np.uint8), ["0", "1"], "dtype=<U1"),
        (np.zeros((2, 4, 5, 3), np.uint8), [0, 3], "highest=3"),
        (np.zeros((2, 4, 5, 3), np.uint8), [-1, 0], "lowest=-1"),
        (np.zeros((7, 4, 5, 3), np.uint8), [0] * 7, "rows=7, expected=6"),
    ),
)
def test_what_does_not_fit_is_refused_and_nothing_is_left(rows, labels, told, tmp_path):
    with (
        pytest.raises(SightkitError, match=told),
        HDF5DatasetWriter((6, 4, 5, 3), tmp_path / "data.h5", class_names=CLASSES) as writer,
    ):
        writer.add(rows, labels)
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("sources", (["only one"], ["a", "b", "c"]))
def test_as_many_sources_as_rows_are_asked_for(sources, tmp_path):
    with (
        pytest.raises(SightkitError, match="sources"),
        HDF5DatasetWriter((2, 4, 5, 3), tmp_path / "data.h5", class_names=CLASSES) as writer,
    ):
        writer.add(np.zeros((2, 4, 5, 3), np.uint8), [0, 1], sources)


def test_too_few_rows_are_refused_and_nothing_is_left(tmp_path):
    rows, labels = some_rows(5)
    with (
        pytest.raises(SightkitError, match="rows=5, expected=6"),
        HDF5DatasetWriter((6, 4, 5, 3), tmp_path / "data.h5", class_names=CLASSES) as writer,
    ):
        writer.add(rows, labels)
    assert left_in(tmp_path) == []


@pytest.mark.parametrize(
    "splits",
    (
        {"test": 3, "train": 3},
        {"train": 5},
        {"train": 7},
        {"train": 6, "test": 0},
        {"train": 7, "test": -1},
    ),
)
def test_splits_that_do_not_add_up_are_refused(splits, tmp_path):
    with pytest.raises(SightkitError, match=r"add up to all rows|at least 1"):
        HDF5DatasetWriter((6, 4, 5, 3), tmp_path / "d.h5", class_names=CLASSES, splits=splits)
    assert left_in(tmp_path) == []


def test_a_second_writer_is_refused_while_the_first_writes(tmp_path):
    path = tmp_path / "data.h5"
    with HDF5DatasetWriter((3, 4, 5, 3), path, class_names=CLASSES) as writer:
        with pytest.raises(SightkitError, match=r"one process.*pid \d+ on host"):
            HDF5DatasetWriter((3, 4, 5, 3), path, class_names=CLASSES)
        writer.add(*some_rows(3))
    assert DatasetFile.open(path).shape[0] == 3


def test_a_disk_that_is_too_small_is_told_before_work(tmp_path, monkeypatch):
    usage = _files.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(_files.shutil, "disk_usage", lambda path: usage._replace(free=1000))
    with pytest.raises(SightkitError, match=r"data\.h5: .* bytes are needed, 1,000 are free"):
        HDF5DatasetWriter((1000, 4, 5, 3), tmp_path / "data.h5", class_names=CLASSES)
    assert left_in(tmp_path) == []


def test_missing_folders_are_made_and_a_blocking_file_is_named(tmp_path):
    write(tmp_path / "new" / "folder" / "data.h5")
    assert DatasetFile.open(tmp_path / "new" / "folder" / "data.h5").shape[0] == 10
    (tmp_path / "file").write_text("")
    with pytest.raises(SightkitError, match="must be a folder"):
        write(tmp_path / "file" / "data.h5")


def test_closing_twice_does_no_harm(tmp_path):
    rows, labels = some_rows(3)
    writer = HDF5DatasetWriter(rows.shape, tmp_path / "data.h5", class_names=CLASSES)
    writer.add(rows, labels)
    writer.close()
    writer.close()
    assert DatasetFile.open(tmp_path / "data.h5").shape[0] == 3


@pytest.mark.parametrize(
    "names",
    (("a", "b", "a"), ("a", ""), (), ("a", 1), ("a", "b\0"), ("a", "caf\udce9")),
)
def test_ambiguous_or_unstorable_class_names_are_refused(names, tmp_path):
    with pytest.raises(SightkitError, match="class_names"):
        HDF5DatasetWriter((3, 4, 5, 3), tmp_path / "data.h5", class_names=names)
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("source", ("zero\0byte", "caf\udce9.jpg", 7))
def test_unstorable_sources_are_refused_when_they_are_added(source, tmp_path):
    with (
        pytest.raises(SightkitError, match="sources"),
        HDF5DatasetWriter((2, 4, 5, 3), tmp_path / "data.h5", class_names=CLASSES) as writer,
    ):
        writer.add(np.zeros((2, 4, 5, 3), np.uint8), [0, 1], ["good", source])
    assert left_in(tmp_path) == []


def test_numbers_of_numpy_are_numbers(tmp_path):
    path = tmp_path / "data.h5"
    splits = {"train": np.int64(2), "test": np.uint8(1)}
    dims = np.array((3, 4, 5, 3))
    with HDF5DatasetWriter(dims, path, class_names=np.array(CLASSES), splits=splits) as writer:
        writer.add(*some_rows(3))
    file = DatasetFile.open(path)
    assert file.splits == {"train": (0, 2), "test": (2, 3)}
    assert file.class_names == CLASSES


@pytest.mark.parametrize(
    ("argument", "value"),
    (
        ("dims", (3, 4, 0, 3)),
        ("dims", (2.5, 4, 5, 3)),
        ("splits", {"train": 2.0, "test": 1}),
        ("recipe", {"limit": np.int64(3)}),
        ("recipe", {"loss": float("nan")}),
        ("recipe", {"files": ["x" * 100] * 1000}),
        ("preprocessing", {"mean": np.zeros(3)}),
        ("data_key", "labels"),
        ("data_key", "a/b"),
        ("dtype", "object"),
        ("dtype", "S4"),
    ),
)
def test_what_a_file_cannot_keep_is_refused_before_work(argument, value, tmp_path):
    options = {"dims": (3, 4, 5, 3), "class_names": CLASSES, argument: value}
    with pytest.raises(SightkitError, match="dtype" if argument == "dtype" else argument):
        HDF5DatasetWriter(path=tmp_path / "data.h5", **options)
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("length", (1, 300, 1400, 2030, 2100, 5000))
def test_space_for_long_sources_is_announced_and_suffices(length, tmp_path, monkeypatch):
    path = tmp_path / "data.h5"
    count = 200
    rows, labels = some_rows(count)
    sources = [f"{row}".rjust(length, "x")[-max(length, 3) :] for row in range(count)]
    needed: list[int] = []
    require = _files.require_free_space
    monkeypatch.setattr(
        _files,
        "require_free_space",
        lambda folder, size, name: (needed.append(size), require(folder, size, name)),
    )
    with HDF5DatasetWriter(
        rows.shape, path, class_names=CLASSES, source_bytes=max(length, 3)
    ) as writer:
        writer.add(rows, labels, sources)
    assert path.stat().st_size <= needed[0]
    assert path.stat().st_size > count * length
    with h5py.File(path) as raw:
        assert list(raw["sources"].asstr()) == sources


def test_hashes_that_are_known_are_not_taken_again(tmp_path):
    rows, labels = some_rows(3)
    path = tmp_path / "data.h5"
    known = np.arange(96, dtype=np.uint8).reshape(3, 32)
    with HDF5DatasetWriter(rows.shape, path, class_names=CLASSES) as writer:
        writer.add(rows, labels, hashes=known)
    with h5py.File(path) as raw:
        assert np.array_equal(raw["hashes"], known)


@pytest.mark.parametrize("kind", ("folder", "dead link", "device"))
def test_what_is_no_file_is_never_replaced(kind, tmp_path):
    path = tmp_path / "data.h5"
    if kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/null" if kind == "device" else "nowhere")
    with pytest.raises(SightkitError, match="place of a folder"):
        write(path, overwrite=True)
    assert path.is_symlink() or path.is_dir()
    assert left_in(tmp_path) == ["data.h5"]


def test_features_have_no_colour(tmp_path):
    path = tmp_path / "features.h5"
    with HDF5DatasetWriter(
        (2, 3), path, class_names=CLASSES, data_key="features", dtype="float32"
    ) as writer:
        writer.add(np.ones((2, 3), np.float32), [0, 1])
    assert DatasetFile.open(path).colour == "none"
    assert DatasetFile.open(path).shape == (2, 3)


@pytest.mark.parametrize("name", ("x.h5.partial", "x.h5.partial.header"))
@pytest.mark.parametrize("resumable", (False, True))
def test_a_link_in_the_place_of_a_temporary_file_is_not_followed(name, resumable, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    (tmp_path / name).symlink_to("thesis.txt")
    with HDF5DatasetWriter(
        (1, 2, 2, 1), tmp_path / "x.h5", class_names=("a",), resumable=resumable
    ) as writer:
        writer.add(np.zeros((1, 2, 2, 1), np.uint8), [0])
    assert (tmp_path / "thesis.txt").read_text() == "mine"
    assert not (tmp_path / "x.h5").is_symlink()


def test_channels_that_come_first_are_refused_and_thin_images_are_not(tmp_path):
    for dims in ((5, 3, 28, 28), (5, 1, 8, 8)):
        with pytest.raises(SightkitError, match=r"channels-last.*moveaxis"):
            HDF5DatasetWriter(dims, tmp_path / "first.h5", class_names=("a", "b"))
    for dims in ((5, 28, 28, 3), (5, 1, 28, 3), (5, 3, 3, 1), (5, 3, 28, 4), (5, 1)):
        HDF5DatasetWriter(dims, tmp_path / "last.h5", class_names=("a", "b")).abort()
