"""Pictures for a GAN: folders grey and in colour, splits, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sightkit import io
from sightkit._errors import SightkitError
from sightkit.apps.generative.gan_pictures import read_gan_pictures


@pytest.fixture
def folder(tmp_path, rng):
    """Forty colour pictures of 10x14, some in a folder of their own."""
    place = tmp_path / "photos"
    for index in range(40):
        path = place / ("more" if index % 3 else "") / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        io.write_png(path, rng.integers(0, 256, (10, 14, 3), np.uint8))
    return place


def test_a_colour_folder_is_divided_once_and_for_all(folder):
    found = read_gan_pictures(folder, (8, 8))
    assert found.shape == (8, 8, 3) and found.class_names == ()
    counts = {name: len(each) for name, each in found.images.items()}
    assert counts == {"train": 32, "validation": 2, "test": 6}
    every = np.concatenate([*found.images.values()]).reshape(40, -1)
    assert len(np.unique(every, axis=0)) == 40
    again = read_gan_pictures(folder, (8, 8), pictures=5)
    np.testing.assert_array_equal(again.images["train"], found.images["train"][:5])
    assert again.sha256 != found.sha256 == read_gan_pictures(folder, (8, 8)).sha256
    assert "8x8, colour: 32 train, 2 validation, 6 test" in str(found)


def test_a_folder_is_grey_where_all_of_it_is(tmp_path, rng):
    for index in range(30):
        io.write_png(tmp_path / f"{index}.png", rng.integers(0, 256, (9, 9, 1), np.uint8))
    assert read_gan_pictures(tmp_path).shape == (32, 32, 1)
    io.write_png(tmp_path / "colour.png", rng.integers(0, 256, (9, 9, 3), np.uint8))
    assert read_gan_pictures(tmp_path).shape == (32, 32, 3)


def test_pictures_keep_their_proportions(tmp_path):
    image = np.zeros((20, 40, 1), np.uint8)
    image[:, :10], image[:, 30:] = 255, 255  # cut away
    for index in range(20):
        io.write_png(tmp_path / f"{index}.png", image)
    assert read_gan_pictures(tmp_path, (20, 20)).images["train"].max() == 0


@pytest.mark.parametrize("damage", (b"", b"\x89PNG\r\n\x1a\nno picture"))
def test_an_unreadable_picture_is_named(folder, damage):
    (folder / "bad.png").write_bytes(damage)
    with pytest.raises(SightkitError, match=r"bad\.png"):
        read_gan_pictures(folder, (8, 8))


def test_other_files_are_reported_and_left_out(folder, capsys):
    (folder / "notes.txt").write_text("mine")
    assert len(read_gan_pictures(folder, (8, 8)).images["train"]) == 32
    assert "Left out of" in capsys.readouterr().err


def test_what_holds_too_little_is_refused(folder, tmp_path):
    with pytest.raises(SightkitError, match="one of mnist, fashion, digits, smiles, or a folder"):
        read_gan_pictures(tmp_path / "nowhere")
    for path in sorted(folder.rglob("*.png"))[:25]:
        path.unlink()
    with pytest.raises(SightkitError, match="20 at the least"):
        read_gan_pictures(folder)


def test_digits_have_labels():
    found = read_gan_pictures(Path("digits"))
    assert found.shape == (8, 8, 1) and len(found.class_names) == 10
    assert sum(map(len, found.labels.values())) == 1797


def test_smiles_have_two_classes(test_data, monkeypatch, tmp_path):
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "SMILEs").symlink_to(test_data / "smiles")
    monkeypatch.chdir(tmp_path)
    found = read_gan_pictures(Path("smiles"), (32, 32), pictures=100)
    assert found.class_names == ("negatives", "positives") and found.shape == (32, 32, 1)
    assert len(found.images["train"]) == 100
