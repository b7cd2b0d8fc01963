"""The list of images that a network was trained on."""

from __future__ import annotations

import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.io import DatasetFile, Manifest, write_rows


def test_it_holds_the_rows_of_its_split_and_no_others(write_dataset, tmp_path):
    file = DatasetFile.open(write_dataset(train=20, validation=6, test=5))
    Manifest.of(file).write(tmp_path / "rows.npy")
    manifest = Manifest.read(tmp_path / "rows.npy", file.preprocessing)
    assert manifest.holds(file.hashes()).tolist() == [True] * 20 + [False] * 11
    assert (tmp_path / "rows.npy").stat().st_size == 128 + 8 * 20


def test_an_image_is_found_by_what_its_chain_makes_of_it(write_dataset):
    file = DatasetFile.open(write_dataset(train=20, test=5))
    manifest = Manifest.of(file)
    rows = file.memmap()
    upside_down = [row[::-1] for row in rows]
    found = [manifest.holds_image(image, lambda image: image[::-1]) for image in upside_down]
    assert found == [True] * 20 + [False] * 5
    assert not manifest.holds_image(upside_down[0], lambda image: image)


def test_several_become_one(write_dataset):
    files = [DatasetFile.open(write_dataset(f"{k}.h5", seed=k)) for k in (0, 1)]
    joined = Manifest.joined([Manifest.of(file) for file in files])
    for file in files:
        assert joined.holds(file.hashes())[:20].all() and not joined.holds(file.hashes())[20:].any()


@pytest.mark.parametrize("content", (b"", b"text", None))
def test_another_file_is_refused(content, tmp_path):
    path = tmp_path / "rows.npy"
    if content is None:
        np.save(path, np.zeros((2, 2)))
    else:
        path.write_bytes(content)
    with pytest.raises(SightkitError, match="list of training images") as refused:
        Manifest.read(path, {})
    assert str(path) in str(refused.value)


def test_rows_of_a_file_become_a_file_of_their_own(write_dataset, tmp_path):
    file = DatasetFile.open(write_dataset(train=20, validation=6, test=5))
    parts = {"train": np.array([3, 3, 1]), "test": np.array([30])}
    write_rows(tmp_path / "few.h5", file, parts, recipe={"why": "a test"})
    few = DatasetFile.open(tmp_path / "few.h5")
    assert few.splits == {"train": (0, 3), "test": (3, 4)}
    np.testing.assert_array_equal(few.memmap(), file.memmap()[[3, 3, 1, 30]])
    assert few.labels.tolist() == file.labels[[3, 3, 1, 30]].tolist()
    assert few.sources() == tuple(file.sources()[k] for k in (3, 3, 1, 30))
    assert (few.class_names, few.preprocessing) == (file.class_names, file.preprocessing)
    assert few.recipe == {**file.recipe, "why": "a test"}
