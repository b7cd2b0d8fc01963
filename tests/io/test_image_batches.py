from __future__ import annotations

import threading

import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.io import FolderDataset, ImageSource, image_batches, write_png
from sightkit.preprocessing import Pipeline, SimplePreprocessor

CHAIN = Pipeline((SimplePreprocessor(6, 5),))


def source(count, read=None):
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (7 + k % 3, 9, 3)).astype(np.uint8) for k in range(count)]
    return ImageSource(
        "s", ("a", "b"), np.arange(count) % 2, read or images.__getitem__, lambda row: f"s/{row}"
    )


@pytest.mark.parametrize("count", (1, 7, 8, 9, 50))
@pytest.mark.parametrize("batch_size", (1, 8, 20, 64))
def test_every_image_comes_once_in_order(count, batch_size):
    images = source(count)
    batches = list(image_batches(images, batch_size, preprocessors=CHAIN))
    assert all(len(x) == len(y) == batch_size for x, y in batches[:-1])
    x, y = (np.concatenate(arrays) for arrays in zip(*batches, strict=True))
    assert np.array_equal(x, np.stack([CHAIN(images.read(row)) for row in range(count)]))
    assert np.array_equal(y, images.labels)


def test_an_unreadable_image_is_named_and_ends_the_threads():
    def read(row):
        if row == 40:
            raise SightkitError("The file must be an image.", path="s/40")
        return np.zeros((5, 6, 3), np.uint8)

    batches = image_batches(source(100, read), 16, preprocessors=CHAIN)
    assert len(next(batches)[0]) == 16
    with pytest.raises(SightkitError, match="s/40"):
        list(batches)
    assert not [t for t in threading.enumerate() if t.name.startswith("sightkit-io")]


def test_one_that_is_not_read_to_its_end_leaves_no_threads():
    batches = image_batches(source(200), 8, preprocessors=CHAIN)
    next(batches)
    batches.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("sightkit-io")]


def test_a_folder_that_says_what_suffices_is_another_recipe(tmp_path, photo):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(2):
            write_png(tmp_path / name / f"{number}.png", photo + number)
    whole, reduced = FolderDataset(tmp_path), FolderDataset(tmp_path, at_least=(5, 6))
    assert whole.to_config() != reduced.to_config()
    x, _ = next(image_batches(reduced(), 4, preprocessors=CHAIN))
    assert x.shape == (4, 5, 6, 3)
