from __future__ import annotations

import dataclasses
import re

import h5py
import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.io import DatasetFile, ImageSource, build_dataset, digits
from sightkit.preprocessing import GrayscalePreprocessor, Pipeline, SimplePreprocessor

CHAIN = Pipeline((GrayscalePreprocessor(), SimplePreprocessor(6, 5)))
SHARES = {"train": 0.6, "validation": 0.2, "test": 0.2}


def source(count=60, fixed=(), copies=0):
    """Images of different sizes; the first ``copies`` of them are one and the same picture."""
    rng = np.random.default_rng(1)
    images = [
        rng.integers(0, 256, (8 + index % 3, 9, 3)).astype(np.uint8) for index in range(count)
    ]
    images[:copies] = [images[0]] * copies
    return ImageSource(
        name="pictures",
        class_names=("a", "b"),
        labels=np.zeros(count, np.int64) if copies else np.arange(count) % 2,
        read=lambda index: images[index],
        identify=lambda index: f"picture {index}",
        fixed=fixed,
    )


def build(path, make=source, **options):
    return build_dataset(
        make, path, **{"preprocessors": CHAIN, "fractions": SHARES, "split_seed": 3, **options}
    )


def sources_of(path):
    with h5py.File(path) as raw:
        return [int(re.split("[ /]", name)[-1]) for name in raw["sources"].asstr()]


def test_the_file_holds_every_image_once_preprocessed_with_its_label(tmp_path):
    file = build(tmp_path / "data.h5")
    rows = sources_of(file.path)
    assert sorted(rows) == list(range(60))
    assert file.shape == (60, 5, 6, 1)
    original = source()
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

    def source():
        raise AssertionError("the source must not be read again")

    again = build(tmp_path / "data.h5", source)
    assert again.sha256 == first.sha256
    assert first.path.stat().st_mtime_ns == before.st_mtime_ns


@pytest.mark.parametrize(
    ("change", "told"),
    (
        ({"split_seed": 4}, "split_seed"),
        ({"limit": 5}, "limit"),
        ({"fractions": {"train": 0.5, "test": 0.5}}, "fractions"),
        ({"preprocessors": Pipeline((SimplePreprocessor(6, 5),))}, "preprocessing"),
        ({"make": lambda: source()}, "source"),
    ),
)
def test_another_recipe_is_refused_and_what_differs_is_named(change, told, tmp_path):
    path = tmp_path / "data.h5"
    build(path)
    before = path.read_bytes()
    with pytest.raises(SightkitError, match=f"another recipe: {told} differ"):
        build(path, **change)
    assert path.read_bytes() == before


def test_overwrite_builds_anew(tmp_path):
    build(tmp_path / "data.h5")
    assert build(tmp_path / "data.h5", limit=5, overwrite=True).shape[0] == 15


def test_the_same_recipe_gives_the_same_data_another_seed_another_split(tmp_path):
    first, again, other = (
        build(tmp_path / f"{index}.h5", split_seed=seed) for index, seed in enumerate((3, 3, 4))
    )
    assert first.sha256 == again.sha256
    assert sorted(sources_of(first.path)[-12:]) != sorted(sources_of(other.path)[-12:])


def test_copies_of_a_picture_stay_in_one_split(tmp_path):
    file = build(tmp_path / "data.h5", lambda: source(copies=9))
    rows = sources_of(file.path)
    holding = [
        name for name, (first, last) in file.splits.items() if set(rows[first:last]) & set(range(9))
    ]
    assert len(holding) == 1


def test_a_test_split_of_the_source_is_kept(tmp_path):
    everything = np.arange(60)
    fixed = (("train", everything[:50]), ("test", everything[50:]))
    file = build(tmp_path / "data.h5", lambda: source(fixed=fixed))
    rows = sources_of(file.path)
    first, last = file.splits["test"]
    assert rows[first:last] == list(range(50, 60))
    first, last = file.splits["validation"]
    assert last - first == pytest.approx(50 * 0.2 / 0.8, abs=1)
    assert sorted(rows) == list(range(60))


def test_a_limit_takes_that_many_of_each_split(tmp_path):
    file = build(tmp_path / "data.h5", limit=7)
    assert file.splits == {"train": (0, 7), "validation": (7, 14), "test": (14, 21)}


def test_an_image_that_cannot_be_read_leaves_no_file(tmp_path):
    def source_with_a_hole():
        whole = source()

        def read(index):
            if index == 41:
                raise SightkitError("The file must be an image.", path="picture 41")
            return whole.read(index)

        return dataclasses.replace(whole, read=read)

    with pytest.raises(SightkitError, match="picture 41"):
        build(tmp_path / "data.h5", source_with_a_hole)
    assert list(tmp_path.iterdir()) == []


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
