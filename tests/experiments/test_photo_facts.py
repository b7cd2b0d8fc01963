"""Facts about photos: of a folder, of parts of its own, of a dataset file."""

from __future__ import annotations

import numpy as np
import pytest

from sightkit import io
from sightkit._errors import SightkitError
from sightkit.experiments.photo_facts import LARGE, photo_facts

SHARES = {"train": 0.7, "validation": 0.1, "test": 0.2}


def write(folder, name, count, shape=(20, 30, 3), *, grey=False):
    rng = np.random.default_rng(len(name))
    (folder / name).mkdir(parents=True)
    for k in range(count):
        image = rng.integers(0, 256, shape).astype(np.uint8)
        io.write_png(folder / name / f"{k}.png", image[..., :1] if grey else image)


def test_counts_sizes_and_colours_of_a_folder(tmp_path):
    write(tmp_path, "a", 6)
    write(tmp_path, "b", 4)
    facts = photo_facts(io.FolderDataset(tmp_path), SHARES)
    assert (dict(facts.counts), facts.train) == ({"a": 6, "b": 4}, 7)
    assert (facts.height, facts.width) == (20, 30)
    assert facts.alike and not facts.grey and not facts.stored


def test_one_photo_with_colours_is_enough(tmp_path):
    write(tmp_path, "a", 4, grey=True)
    write(tmp_path, "b", 3, grey=True)
    assert photo_facts(io.FolderDataset(tmp_path), SHARES).grey
    write(tmp_path, "c", 2, (40, 40, 3))
    facts = photo_facts(io.FolderDataset(tmp_path), SHARES)
    assert not facts.grey and not facts.alike and facts.height == 20


def test_parts_of_a_folder_stay(tmp_path):
    for part, count in (("train", 9), ("test", 5)):
        write(tmp_path / part, "a", count)
        write(tmp_path / part, "b", count)
    assert photo_facts(io.FolderDataset(tmp_path, layout="splits"), SHARES).train == round(
        18 * 0.7 / 0.8
    )


def test_large_photos_may_be_decoded_smaller(tmp_path):
    write(tmp_path, "a", 2, (700, 800, 3))
    write(tmp_path, "b", 2, (700, 800, 3))
    facts = photo_facts(io.FolderDataset(tmp_path), SHARES)
    assert facts.height >= LARGE[0] and facts.width >= LARGE[1]


def test_a_dataset_file_counts_its_training_images(write_dataset):
    facts = photo_facts(io.DatasetFile.open(write_dataset(train=6, validation=3, test=3)), SHARES)
    assert facts.stored and facts.train == 6 and set(facts.counts.values()) == {2}
    assert (facts.height, facts.width, facts.grey) == (8, 8, True)


def test_none_that_can_be_read_is_an_error(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for k in range(2):
            (tmp_path / name / f"{k}.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(SightkitError, match="None of the photos"):
        photo_facts(io.FolderDataset(tmp_path), SHARES)
