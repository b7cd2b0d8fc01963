from __future__ import annotations

import csv
import dataclasses
import functools
import os
import re
import threading

import h5py
import numpy as np
import pytest

from sightkit import _files
from sightkit._errors import SightkitError
from sightkit.io import DatasetFile, HDF5DatasetWriter, ImageSource, build_dataset, digits
from sightkit.preprocessing import GrayscalePreprocessor, Pipeline, SimplePreprocessor

CHAIN = Pipeline((GrayscalePreprocessor(), SimplePreprocessor(6, 5)))
SHARES = {"train": 0.6, "validation": 0.2, "test": 0.2}


@dataclasses.dataclass(frozen=True)
class Pictures:
    """Images of different sizes; of each group in ``copies`` all are one and the same picture."""

    count: int = 60
    fixed: tuple[tuple[str, tuple[int, ...]], ...] = ()
    copies: tuple[tuple[int, ...], ...] = ()
    unreadable: tuple[int, ...] = ()
    classes: tuple[str, ...] = ("a", "b")
    one_label: bool = True
    reads: list = dataclasses.field(default_factory=list, compare=False)

    def images(self):
        rng = np.random.default_rng(1)
        images = [
            rng.integers(0, 256, (8 + index % 3, 9, 3)).astype(np.uint8)
            for index in range(self.count)
        ]
        for group in self.copies:
            for index in group:
                images[index] = images[group[0]]
        return images

    def __call__(self):
        images = self.images()
        labels = np.arange(self.count) % 2
        for group in self.copies if self.one_label else ():
            labels[list(group)] = labels[group[0]]

        def read(index):
            self.reads.append(index)
            if index in self.unreadable:
                raise SightkitError("The file must be an image.", path=f"picture {index}")
            return images[index]

        return ImageSource(
            name="pictures",
            class_names=self.classes,
            labels=labels,
            read=read,
            identify=lambda index: f"picture {index}",
            fixed=tuple((name, np.array(rows)) for name, rows in self.fixed),
        )

    def to_config(self):
        config = dataclasses.asdict(self)
        del config["reads"]
        return {"name": "Pictures", **config}


def pictures():
    return Pictures()()


def build(path, source=Pictures(), **options):
    return build_dataset(
        source, path, **{"preprocessors": CHAIN, "fractions": SHARES, "split_seed": 3, **options}
    )


def sources_of(path):
    with h5py.File(path) as raw:
        return [int(re.split("[ /]", name)[-1]) for name in raw["sources"].asstr()]


def splits_of(file):
    rows = sources_of(file.path)
    return {name: rows[first:last] for name, (first, last) in file.splits.items()}


def everything(parts):
    return sorted(row for rows in parts.values() for row in rows)


def left_out_list(path):
    with open(f"{path}.left_out.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def left_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_file_holds_each_preprocessed_image_once_with_label(tmp_path):
    file = build(tmp_path / "data.h5")
    rows = sources_of(file.path)
    assert sorted(rows) == list(range(60))
    assert file.shape == (60, 5, 6, 1)
    original = pictures()
    assert np.array_equal(file.labels, original.labels[rows])
    assert np.array_equal(file.memmap(), np.stack([CHAIN(original.read(row)) for row in rows]))
    assert {name: last - first for name, (first, last) in file.splits.items()} == {
        "train": 36,
        "validation": 12,
        "test": 12,
    }
    assert file.preprocessing == CHAIN.to_config()


def test_the_same_recipe_opens_the_file_that_stands(tmp_path):
    first = build(tmp_path / "data.h5")
    before = first.path.stat()

    @dataclasses.dataclass(frozen=True)
    class Unread(Pictures):
        def __call__(self):
            raise AssertionError("the source must not be read again")

    again = build(tmp_path / "data.h5", Unread())
    assert again.sha256 == first.sha256
    assert first.path.stat().st_mtime_ns == before.st_mtime_ns


@pytest.mark.parametrize(
    ("change", "told"),
    (
        ({"split_seed": 4}, "split_seed"),
        ({"limit": 5}, "limit"),
        ({"fractions": {"train": 0.5, "test": 0.5}}, "fractions"),
        ({"preprocessors": Pipeline((SimplePreprocessor(6, 5),))}, "preprocessing"),
        ({"source": pictures}, "source"),
        ({"max_bad": 0.5}, "max_bad"),
    ),
)
def test_another_recipe_is_refused_and_what_differs_is_named(change, told, tmp_path):
    path = tmp_path / "data.h5"
    build(path)
    before = path.read_bytes()
    with pytest.raises(SightkitError, match=f"another recipe: {told} differ") as refused:
        build(path, **change)
    assert path.read_bytes() == before
    assert len(str(refused.value)) < 400 + len(str(path))
    assert "--data" in str(refused.value)


def test_other_data_of_the_same_kind_is_refused_by_difference(tmp_path):
    build(tmp_path / "data.h5")
    with pytest.raises(SightkitError, match=r"data are not.*source\.count 60, now 62"):
        build(tmp_path / "data.h5", Pictures(62))


@pytest.mark.parametrize("name", ("data.png", "data", "notes.md"))
def test_a_dataset_has_the_name_of_one(name, tmp_path):
    source = Pictures()
    for exists in (False, True):
        if exists:
            (tmp_path / name).write_text("mine")
        with pytest.raises(SightkitError, match=r"must end in .h5 or .hdf5"):
            build(tmp_path / name, source, overwrite=exists)
    with pytest.raises(SightkitError, match="no HDF5 dataset"):
        build(tmp_path / name, source)
    assert source.reads == []
    assert (tmp_path / name).read_text() == "mine"


@pytest.mark.parametrize("overwrite", (False, True))
def test_a_folder_is_no_place_for_a_dataset(overwrite, tmp_path):
    with pytest.raises(SightkitError, match="this is a folder"):
        build(tmp_path, overwrite=overwrite)


def test_overwrite_builds_anew(tmp_path):
    build(tmp_path / "data.h5")
    assert build(tmp_path / "data.h5", limit=5, overwrite=True).shape[0] == 15


def test_same_recipe_same_data_and_another_seed_another_split(tmp_path):
    first, again, other = (
        build(tmp_path / f"{index}.h5", split_seed=seed) for index, seed in enumerate((3, 3, 4))
    )
    assert first.sha256 == again.sha256
    assert sorted(sources_of(first.path)[-12:]) != sorted(sources_of(other.path)[-12:])


def test_copies_of_a_picture_stay_in_one_split(tmp_path):
    copies = tuple(range(0, 18, 2))
    parts = splits_of(build(tmp_path / "data.h5", Pictures(copies=(copies,))))
    assert sum(bool(set(rows) & set(copies)) for rows in parts.values()) == 1


def test_pictures_made_equal_by_the_chain_do_not_move_the_split(tmp_path):
    """Else networks of different input sizes would be evaluated on different test sets."""
    tiny = Pipeline((GrayscalePreprocessor(), SimplePreprocessor(1, 1)))
    expected = splits_of(build(tmp_path / "large.h5"))
    assert splits_of(build(tmp_path / "tiny.h5", preprocessors=tiny)) == expected


def test_splits_of_the_source_are_kept(tmp_path):
    fixed = (("train", tuple(range(50))), ("test", tuple(range(50, 60))))
    parts = splits_of(build(tmp_path / "data.h5", Pictures(fixed=fixed)))
    assert parts["test"] == list(range(50, 60))
    assert len(parts["validation"]) == pytest.approx(50 * 0.2 / 0.8, abs=1)
    assert everything(parts) == list(range(60))


@pytest.mark.parametrize("names", (("test",), ("validation",), ("validation", "test")))
def test_rows_of_a_fixed_split_never_come_into_another(names, tmp_path):
    fixed = tuple((name, tuple(range(30 + 5 * i, 35 + 5 * i))) for i, name in enumerate(names))
    parts = splits_of(build(tmp_path / "data.h5", Pictures(fixed=fixed)))
    assert list(parts) == ["train", "validation", "test"]
    for name, rows in fixed:
        assert parts[name] == list(rows)
    assert everything(parts) == list(range(60))


def test_copies_of_fixed_pictures_are_dropped_and_reported(tmp_path, capsys):
    path = tmp_path / "data.h5"
    source = Pictures(fixed=(("test", tuple(range(50, 60))),), copies=((50, 4), (52, 6, 8)))
    file = build(path, source)
    parts = splits_of(file)
    assert parts["test"] == list(range(50, 60))
    assert sorted(parts["train"] + parts["validation"]) == [
        row for row in range(50) if row not in (4, 6, 8)
    ]
    assert file.left_out == {"copy of an image in the source's test split": 3}
    told = capsys.readouterr().err
    assert "3 of 60 were left out" in told
    assert "data.h5.left_out.csv" in told
    assert [row["path"] for row in left_out_list(path)] == ["picture 4", "picture 6", "picture 8"]
    build(path, source)
    assert "3 of 60 were left out" in capsys.readouterr().err  # told each time it is opened


def test_conflicting_labels_are_reported_listed_and_included(tmp_path, capsys):
    path = tmp_path / "data.h5"
    source = Pictures(copies=((4, 6, 9), (11, 20)), one_label=False, unreadable=(30, 31))
    for _ in range(2):
        assert build(path, source, max_bad=0.5).shape[0] == 58
        told = capsys.readouterr().err
        assert "2 of 60 images have conflicting labels" in told
        assert "data.h5.left_out.csv" in told
    assert {row["path"]: row["reason"] for row in left_out_list(path) if row["kind"] != "bad"} == {
        "picture 9": "of class b, and the same picture as picture 4 of class a",
        "picture 20": "of class a, and the same picture as picture 11 of class b",
    }
    build(path, overwrite=True)
    assert (capsys.readouterr().err, left_in(tmp_path)) == ("", ["data.h5"])
    build(path, Pictures(copies=((4, 9),), one_label=False), overwrite=True)
    assert len(left_out_list(path)) == 1  # a list although nothing was left out


def test_two_classes_of_the_same_pictures_are_refused_by_name(tmp_path):
    copies = tuple((2 * pair, 2 * pair + 1) for pair in range(28))
    with pytest.raises(
        SightkitError, match=r"Class b has too few.*in class a too.*'picture 1'.*'picture 0'"
    ):
        build(tmp_path / "data.h5", Pictures(copies=copies, one_label=False))
    assert left_in(tmp_path) == []


def test_rows_that_the_source_puts_into_no_split_are_told(tmp_path, capsys):
    fixed = (("train", tuple(range(40))), ("test", tuple(range(50, 60))))
    file = build(tmp_path / "data.h5", Pictures(fixed=fixed))
    assert file.shape[0] == 50
    assert file.left_out == {"in no split of the source": 10}
    assert "10 of 60 were left out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("fixed", "told"),
    (
        ((("test", (1, 60)),), "from 0 to 59.*'test': 2"),
        ((("test", (1, 1)),), "none more than once.*'test': 2"),
        ((("validation", (1, 2)), ("test", (2, 3))), "none more than once"),
        ((("train", tuple(range(50))), ("test", (49, 50))), "none more than once"),
        ((("test", ()),), "at least one.*'test': 0"),
    ),
)
def test_fixed_splits_that_make_no_sense_are_refused(fixed, told, tmp_path):
    source = Pictures(fixed=fixed)
    with pytest.raises(SightkitError, match=told):
        build(tmp_path / "data.h5", source)
    assert source.reads == []
    assert left_in(tmp_path) == []


def test_a_limit_takes_that_many_of_each_split(tmp_path):
    file = build(tmp_path / "data.h5", limit=7)
    assert file.splits == {"train": (0, 7), "validation": (7, 14), "test": (14, 21)}


@pytest.mark.parametrize("limit", (0, -1, 2.5, True))
def test_a_limit_must_be_a_whole_number_of_at_least_1(limit, tmp_path):
    with pytest.raises(SightkitError, match="limit"):
        build(tmp_path / "data.h5", limit=limit)
    assert left_in(tmp_path) == []


def test_numbers_of_numpy_are_numbers(tmp_path):
    path = tmp_path / "data.h5"
    build(path, limit=np.int64(7), split_seed=np.uint8(3))
    assert build(path, limit=7).splits["train"] == (0, 7)


def local_source():
    def source():
        return pictures()

    return source


class Loader:
    def load(self):
        return pictures()


@pytest.mark.parametrize(
    "source",
    (
        lambda: pictures(),
        local_source(),
        functools.partial(pictures),
        Loader().load,
        Loader,
        Pictures,
    ),
    ids=("lambda", "local", "partial", "method", "class", "class with a config"),
)
def test_a_source_that_cannot_be_told_from_another_is_refused(source, tmp_path):
    with pytest.raises(SightkitError, match=r"module-level function.*to_config"):
        build(tmp_path / "data.h5", source)


def test_a_config_that_is_no_json_is_refused_before_work(tmp_path):
    class Odd(Pictures):
        def to_config(self):
            return {"folder": {1, 2}}

    source = Odd()
    with pytest.raises(SightkitError, match="JSON"):
        build(tmp_path / "data.h5", source)
    assert source.reads == []


def test_the_recipe_says_what_the_file_was_built_from(tmp_path):
    file = build(tmp_path / "data.h5")
    assert file.recipe["source"]["name"] == "Pictures"
    assert file.recipe["source"]["count"] == 60
    assert file.recipe["name"] == "pictures"
    named = build(tmp_path / "digits.h5", digits, limit=3)
    assert named.recipe["source"] == "sightkit.io.digits"


def test_every_image_is_read_once(tmp_path):
    source = Pictures(copies=((3, 5),))
    build(tmp_path / "data.h5", source)
    # Two that come out equal are read again, to see whether they were equal before.
    assert sorted(source.reads) == sorted([*range(60), 3, 5])


@pytest.mark.parametrize("memory", (0, 2**20))
@pytest.mark.parametrize("room", ("disk", "none"))
def test_where_rows_wait_does_not_change_the_file(memory, room, tmp_path, monkeypatch):
    from sightkit.io.build import prepare

    expected = build(tmp_path / "expected.h5")
    monkeypatch.setattr(prepare, "MEMORY_BYTES", memory)
    if room == "none":
        monkeypatch.setattr(prepare, "_on_disk", lambda *arguments: None)
    file = build(tmp_path / "data.h5")
    assert file.sha256 == expected.sha256
    assert np.array_equal(file.memmap(), expected.memmap())
    assert left_in(tmp_path) == ["data.h5", "expected.h5"]


@pytest.mark.parametrize("cores", (1, 3))
def test_threads_do_not_change_the_file(cores, tmp_path, monkeypatch):
    expected = build(tmp_path / "expected.h5")
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: range(cores))
    file = build(tmp_path / "data.h5")
    assert (
        file.path.read_bytes()[file.offset :][:1800]
        == (expected.path.read_bytes()[expected.offset :][:1800])
    )
    assert file.sha256 == expected.sha256
    assert threading.active_count() == 1 or all(
        "sightkit" not in thread.name for thread in threading.enumerate()
    )


def test_an_image_that_cannot_be_read_leaves_no_file(tmp_path):
    with pytest.raises(SightkitError, match=r"picture 41.*max.bad"):
        build(tmp_path / "data.h5", Pictures(unreadable=(41,)))
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("unreadable", ((41,), (0, 1, 41)))
def test_max_bad_leaves_out_unreadable_images_and_reports_them(unreadable, tmp_path, capsys):
    path = tmp_path / "data.h5"
    file = build(path, Pictures(unreadable=unreadable), max_bad=0.05)
    assert sorted(sources_of(path)) == [row for row in range(60) if row not in unreadable]
    assert file.left_out == {"unreadable": len(unreadable)}
    assert f"{len(unreadable)} of 60 were left out" in capsys.readouterr().err
    listed = left_out_list(path)
    assert [row["path"] for row in listed] == [f"picture {row}" for row in unreadable]
    assert all("must be an image" in row["reason"] for row in listed)
    build(path, Pictures(), overwrite=True)
    assert left_in(tmp_path) == ["data.h5"]  # nothing was left out: no list is left either


def test_the_list_of_another_dataset_stays(tmp_path):
    build(tmp_path / "data.h5", Pictures(unreadable=(41,)), max_bad=0.05)
    before = left_out_list(tmp_path / "data.h5")
    build(tmp_path / "data.hdf5")
    assert left_out_list(tmp_path / "data.h5") == before
    assert left_in(tmp_path) == ["data.h5", "data.h5.left_out.csv", "data.hdf5"]


def test_more_than_max_bad_is_an_error_that_names_the_list(tmp_path):
    path = tmp_path / "data.h5"
    with pytest.raises(SightkitError, match=r"4 of 60.*left_out\.csv"):
        build(path, Pictures(unreadable=(3, 4, 5, 59)), max_bad=0.05)
    assert len(left_out_list(path)) == 4
    assert left_in(tmp_path) == ["data.h5.left_out.csv"]


@pytest.mark.parametrize("share", (-0.1, 1.5, float("nan")))
def test_max_bad_is_a_share(share, tmp_path):
    with pytest.raises(SightkitError, match="max_bad"):
        build(tmp_path / "data.h5", max_bad=share)


def test_when_nothing_can_be_read_it_is_said(tmp_path):
    with pytest.raises(SightkitError, match="60 of 60"):
        build(tmp_path / "data.h5", Pictures(unreadable=tuple(range(60))), max_bad=1.0)


def test_a_class_without_images_is_named(tmp_path):
    with pytest.raises(SightkitError, match=r"must have an image.*train.*'c'"):
        build(tmp_path / "data.h5", Pictures(classes=("a", "b", "c")))


def test_labels_outside_of_the_classes_are_refused_before_work(tmp_path):
    source = Pictures(classes=("a",))
    with pytest.raises(SightkitError, match="highest=1"):
        build(tmp_path / "data.h5", source)
    assert source.reads == []


def test_a_too_small_disk_is_reported_before_more_rows_are_read(tmp_path, monkeypatch):
    usage = _files.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(_files.shutil, "disk_usage", lambda path: usage._replace(free=1000))
    source = Pictures()
    with pytest.raises(SightkitError, match=r"data\.h5: .* bytes are needed, 1,000 are free"):
        build(tmp_path / "data.h5", source)
    assert source.reads == [0]  # its size says what the file needs
    assert left_in(tmp_path) == []


def test_the_same_file_is_built_by_one_at_a_time(tmp_path):
    path = tmp_path / "data.h5"
    with HDF5DatasetWriter((3, 5, 6, 1), path, class_names=("a", "b")) as writer:
        source = Pictures()
        with pytest.raises(SightkitError, match=r"one process.*pid \d+ on host"):
            build(path, source)
        assert source.reads == []
        writer.add(np.zeros((3, 5, 6, 1), np.uint8), [0, 1, 0])


def test_images_that_come_out_in_different_sizes_are_refused(tmp_path):
    with pytest.raises(SightkitError, match="shape"):
        build(tmp_path / "data.h5", preprocessors=Pipeline((GrayscalePreprocessor(),)))


def test_the_digits_are_those_of_scikit_learn():
    whole = digits()
    assert len(whole) == 1797
    assert whole.class_names == tuple("0123456789")
    assert np.bincount(whole.labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    image = whole.read(0)
    assert (image.shape, image.dtype, image.min(), image.max()) == ((8, 8, 1), np.uint8, 0, 239)
    assert whole.identify(5) == "digits/5"


def test_a_real_data_set_is_divided_without_leaks(tmp_path):
    file = build(tmp_path / "digits.h5", digits, fractions=SHARES)
    assert isinstance(file, DatasetFile)
    images = digits()
    rows = sources_of(file.path)
    contents = {
        name: {images.read(row).tobytes() for row in rows[first:last]}
        for name, (first, last) in file.splits.items()
    }
    assert not contents["train"] & contents["test"]
    assert not contents["validation"] & contents["test"]


LOST = (("1.jpg", "hidden"), ("2.jpg", "a link"), ("3.jpg", "hidden"))


class Losing(Pictures):
    """Pictures beside which three images and a file were not taken."""

    def __call__(self):
        source = super().__call__()
        return dataclasses.replace(source, left_out=(*LOST, ("notes.txt", "no image")), lost=3)


@pytest.mark.parametrize(("share", "refused"), ((None, True), (0.04, True), (0.05, False)))
def test_images_that_are_lost_count_one_by_one(share, refused, tmp_path):
    path = tmp_path / "data.h5"
    if not refused:
        file = build(path, Losing(), max_bad=share)
        assert file.left_out == {"hidden": 2, "a link": 1, "no image": 1}
        assert len(left_out_list(path)) == 4
        with pytest.raises(SightkitError, match=r"6 of 63.*3 unreadable; 2 hidden; 1 a link"):
            build(path, Losing(unreadable=(3, 4, 59)), max_bad=0.05, overwrite=True)
        return
    with pytest.raises(
        SightkitError, match=r"3 of 63 images are left out: 2 hidden; 1 a link.*max_bad=0\.0"
    ):
        build(path, Losing(), max_bad=share)
    assert [row["path"] for row in left_out_list(path)] == [name for name, _ in LOST]
    assert left_in(tmp_path) == ["data.h5.left_out.csv"]


def test_a_class_that_vanishes_from_a_fixed_split_is_an_error(tmp_path):
    fixed = (("train", tuple(range(48))), ("test", tuple(range(48, 60))))
    labels = Pictures()().labels[48:]
    gone = tuple(48 + int(row) for row in np.flatnonzero(labels == labels[0]))
    with pytest.raises(SightkitError, match=r"Each class of a split.*split='test'"):
        build(tmp_path / "data.h5", Pictures(fixed=fixed, unreadable=gone), max_bad=0.5)
    again = Pictures(fixed=fixed, unreadable=gone[1:])
    assert build(tmp_path / "data.h5", again, max_bad=0.5).rows("test") == (48, 55)
