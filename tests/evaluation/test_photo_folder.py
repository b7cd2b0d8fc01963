"""Files and folders to be classified: a bad one does not cost the others their answer."""

from __future__ import annotations

import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.evaluation import PhotoFolder
from sightkit.io import write_png


@pytest.fixture
def folder(tmp_path):
    for number in range(40):
        write_png(tmp_path / f"{number:02}.png", np.full((4, 4, 3), number, np.uint8))
    return tmp_path


def test_the_images_of_a_folder_come_in_parts(folder):
    photos = PhotoFolder([folder])
    first, second = photos
    assert (len(first), len(second)) == (32, 8)
    assert list(first | second) == [str(folder / f"{number:02}.png") for number in range(40)]
    assert second[str(folder / "39.png")].max() == 39
    photos.require_all()


def test_bad_files_are_told_and_the_others_come(folder, capsys):
    (folder / "05.png").write_text("no picture")
    photos = PhotoFolder([folder, folder / "missing.png"])
    assert sum(map(len, photos)) == 39
    first, second = capsys.readouterr().err.splitlines()
    assert "05.png" in first and "missing.png" in second
    with pytest.raises(SightkitError, match=r"bad=2, files=41"):
        photos.require_all()


def test_what_is_no_image_in_a_folder_is_told(folder, capsys):
    for name in ("a.txt", "b.txt", "c.txt", "d.txt"):
        (folder / name).touch()
    PhotoFolder([folder]).require_all()
    told = capsys.readouterr().err
    assert "4, 'a.txt' (no image, by its content)" in told and told.endswith("….\n")


def test_nothing_that_can_be_read_is_refused_at_once(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    with pytest.raises(SightkitError, match=r"must hold images.*empty"):
        PhotoFolder([tmp_path / "empty"])
    with pytest.raises(SightkitError, match=r"cannot be read.*a\.png"):
        PhotoFolder([tmp_path / "a.png"])
    assert capsys.readouterr().err == ""
    with pytest.raises(SightkitError, match="bad=2, files=1"):
        PhotoFolder([tmp_path / "empty", tmp_path / "a.png"])
    assert len(capsys.readouterr().err.splitlines()) == 2
