"""Names and pixels of the photos behind rows of a feature file, wherever they are now."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from sightkit import io
from sightkit.preprocessing import SimplePreprocessor
from sightkit.transfer.feature_file import Features
from sightkit.transfer.photos import photos_of


@pytest.fixture
def features_of(write_features):
    """Features whose sources and place are given."""
    from sightkit import transfer

    made = transfer.open_features(write_features(count=6))

    def of(place, sources):
        class File:
            recipe = {"place": str(place)} if place is not None else {}

            def sources(self):
                return sources

        return dataclasses.replace(made, files=(File(),))

    return of


ROWS, ALL = np.array([2, 0, 1]), np.arange(3)


def test_photos_of_a_folder(features_of, folder):
    names = ("china/1.png", "flower/3.png", "china/2.png")
    samples = photos_of(features_of(folder, names), ROWS)
    assert samples.names(ALL) == ["china/2.png", "china/1.png", "flower/3.png"]
    assert [image.shape for image in samples.images(ALL)] == [(224, 224, 3)] * 3
    (folder / "china" / "1.png").unlink()
    (folder / "flower" / "3.png").write_text("no picture")
    assert [image is None for image in samples.images(ALL)] == [False, True, True]


@pytest.mark.parametrize("place", (None, "", "nowhere", "empty.h5"))
def test_photos_that_are_gone_have_their_names(place, features_of, tmp_path):
    (tmp_path / "empty.h5").touch()
    features = features_of(place and tmp_path / place, ("a.png", "b.png", "c.png"))
    samples = photos_of(features, ROWS)
    assert samples.names(ALL) == ["c.png", "a.png", "b.png"]
    assert samples.images(ALL) == [None] * 3


def test_no_picture_outside_the_folder_is_read(features_of, folder, tmp_path):
    io.write_png(tmp_path / "private.png", np.zeros((4, 4, 3), np.uint8))
    (folder / "link.png").symlink_to(tmp_path / "private.png")
    names = ("../private.png", str(tmp_path / "private.png"), "link.png")
    assert photos_of(features_of(folder, names), ALL).images(ALL) == [None] * 3


def test_photos_of_a_dataset_file(features_of, folder, tmp_path):
    file = io.build_dataset(
        io.FolderDataset(folder),
        tmp_path / "d.h5",
        preprocessors=SimplePreprocessor(8, 8),
        fractions={"train": 0.5, "validation": 0.25, "test": 0.25},
    )
    names = file.sources()[3:6]
    samples = photos_of(features_of(file.path, names), ROWS)
    first = samples.images(ALL)[0]
    assert first.shape == (224, 224, 3)
    assert abs(first.mean() - file.memmap()[5].mean()) < 3


def test_extraction_records_where_the_photos_are(small_network, folder, tmp_path):
    from sightkit import transfer

    features: Features = transfer.extract_features(
        small_network, transfer.open_photos(folder), tmp_path / "f.h5"
    )
    samples = photos_of(features, ALL)
    assert all(image is not None for image in samples.images(ALL))
    moved = folder.rename(tmp_path / "moved")
    again = transfer.extract_features(small_network, transfer.open_photos(moved), tmp_path / "f.h5")
    assert again.files[0].sha256 == features.files[0].sha256  # the same photos, elsewhere
