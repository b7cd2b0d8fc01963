"""Files and folders to be classified: a bad one does not cost the others their answer."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.evaluation import PhotoFolder, predict_photos
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
    assert "4, 'a.txt' (no image, by its content)" in told and told.endswith("and 1 more.\n")


def test_nothing_that_can_be_read_is_refused_at_once(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    with pytest.raises(SightkitError, match=r"must hold images.*empty"):
        PhotoFolder([tmp_path / "empty"])
    with pytest.raises(SightkitError, match=r"cannot be read.*a\.png"):
        PhotoFolder([tmp_path / "a.png"])
    assert capsys.readouterr().err == ""
    with pytest.raises(SightkitError, match="bad=2, files=2"):
        PhotoFolder([tmp_path / "empty", tmp_path / "a.png"])
    assert len(capsys.readouterr().err.splitlines()) == 2


class Bundle:
    """Answers by brightness: dark below 20, light above."""

    def predict(self, images):
        light = np.array([image.mean() / 40 for image in images])
        return np.stack([1 - light, light], axis=1)

    def top(self, probabilities, count):
        return [
            dict(sorted({"dark": a, "light": b}.items(), key=lambda pair: -pair[1])[:count])
            for a, b in probabilities.tolist()
        ]


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("output", (None, "a.csv", "a.json"))
def test_a_folder_is_answered_by_a_summary(output, folder, capsys, tmp_path_factory):
    (folder / "05.png").write_text("no picture")
    path = tmp_path_factory.mktemp("answers") / output if output else None
    with pytest.raises(SightkitError, match="bad=1, files=40"):
        predict_photos(Bundle(), PhotoFolder([folder]), threshold=0.6, output=path)
    printed = capsys.readouterr().out
    assert len(printed.splitlines()) == 6
    assert [line.split()[:2] for line in printed.splitlines()[1:3]] == [
        ["dark", "16"],
        ["light", "16"],
    ]
    assert "none of these" in printed and "39 photos classified, 1 could not be read" in printed
    assert (f"is in {path}" if path else "--output FILE.csv") in printed
    if output == "a.csv":
        rows = rows_of(path)
        assert {row["picture"] for row in rows} == {str(f) for f in PhotoFolder([folder]).files}
        assert [row["picture"] for row in rows if row["error"]] == [str(folder / "05.png")]


@pytest.mark.parametrize(("count", "listed"), ((1, True), (10, True), (11, False)))
def test_few_photos_are_listed_one_by_one(count, listed, folder, capsys):
    photos = PhotoFolder([folder / f"{number:02}.png" for number in range(count)])
    predict_photos(Bundle(), photos)
    printed = capsys.readouterr().out
    assert ("00.png" in printed) == listed
    assert ("photos classified" in printed) != listed


def test_where_nothing_can_be_read_nothing_is_written(tmp_path):
    (tmp_path / "a.png").write_text("no picture")
    (tmp_path / "b.png").write_text("no picture")
    with pytest.raises(SightkitError, match="bad=2"):
        predict_photos(Bundle(), PhotoFolder([tmp_path]), output=tmp_path / "a.csv")
    assert not (tmp_path / "a.csv").exists()


def test_images_that_are_left_out_count_as_bad(folder, capsys):
    (folder / "link.png").symlink_to(folder / "00.png")
    photos = PhotoFolder([folder])
    assert sum(map(len, photos)) == 40
    assert "'link.png' (a link" in capsys.readouterr().err
    with pytest.raises(SightkitError, match="bad=1, files=41"):
        photos.require_all()
