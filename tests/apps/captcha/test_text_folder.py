"""Folders of captchas named by their texts: read, divided, refused."""

from __future__ import annotations

import shutil

import pytest

from sightkit._errors import SightkitError
from sightkit.apps import captcha
from sightkit.apps.captcha.text_folder import require_length, unknown_characters


def write(folder, texts, seed=0):
    folder.mkdir(exist_ok=True)
    return [*captcha.write_captchas(folder, texts, seed=seed, size=(24, 72), named_by_text=True)]


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / "captchas", captcha.random_texts(50, alphabet="ABC2", length=3))
    return tmp_path / "captchas"


def test_read_text_folder_takes_alphabet_and_lengths_from_names(folder):
    write(folder, ["2C"], seed=1)
    (folder / ".hidden").write_text("not a picture")
    found = captcha.read_text_folder(folder)
    assert (len(found), found.alphabet, found.lengths) == (51, "2ABC", (2, 3))
    assert found.texts[0] == "222"[: len(found.texts[0])]


def test_sha256_is_that_of_the_contents(folder, tmp_path):
    first = captcha.read_text_folder(folder)
    shutil.copytree(folder, tmp_path / "moved")
    assert captcha.read_text_folder(tmp_path / "moved").sha256 == first.sha256
    path = first.paths[3]
    path.write_bytes(first.paths[4].read_bytes())
    assert first.sha256 != captcha.Captchas(first.paths[:3], first.texts[:3]).sha256


def test_read_text_folder_refuses_what_is_no_captcha(folder, tmp_path):
    def refused(match, place=folder, **options):
        with pytest.raises(SightkitError, match=match):
            captcha.read_text_folder(place, **options)

    refused("must be a folder", tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    refused("at least 20 captchas", tmp_path / "empty")
    write(tmp_path / "few", ["ABC", "CBA"])
    refused("at least 20 captchas.*pictures=2", tmp_path / "few")
    refused("characters of AB", alphabet="AB")
    (path, *_) = folder.glob("A*.png")
    odd = folder / f"{path.stem} (copy).png"
    shutil.copy(path, odd)
    refused(r"\(copy\)")
    odd.unlink()
    twin = folder / "XXX.png"
    shutil.copy(path, twin)
    refused("same picture must have one text")
    twin.write_bytes(path.read_bytes()[:200])
    refused("XXX.png")


def test_divide_is_fixed_by_texts_and_nested(folder):
    found = captcha.read_text_folder(folder)
    parts = captcha.divide(found)
    assert {name: len(part) for name, part in parts.items()} == {
        "train": 32,
        "validation": 8,
        "test": 10,
    }
    texts = [text for part in parts.values() for text in part.texts]
    assert sorted(texts) == sorted(found.texts)
    fewer = captcha.divide(found, 20)
    assert fewer["test"] == parts["test"]
    chosen = {*fewer["train"].texts, *fewer["validation"].texts}
    assert len(chosen) == 20
    assert chosen <= {*parts["train"].texts, *parts["validation"].texts}
    again = captcha.divide(found.take(range(len(found) - 1, -1, -1)))
    assert {*again["test"].texts} == {*parts["test"].texts}


def test_divide_puts_two_pictures_of_a_text_into_one_part(folder):
    found = captcha.read_text_folder(folder)
    twice = captcha.Captchas(found.paths * 2, found.texts * 2)
    parts = captcha.divide(twice)
    sets = [{*part.texts} for part in parts.values()]
    assert sum(map(len, sets)) == 50
    assert sum(map(len, parts.values())) == 100


@pytest.mark.parametrize("pictures", (0, 19, 41))
def test_divide_refuses_a_number_that_there_is_not(pictures, folder):
    with pytest.raises(SightkitError, match=f"pictures={pictures}"):
        captcha.divide(captcha.read_text_folder(folder), pictures)


def test_unknown_characters_are_those_that_no_training_picture_shows(folder):
    found = captcha.read_text_folder(folder)
    rows = [k for k, text in enumerate(found.texts) if "C" not in text]
    parts = {"train": found.take(rows), "validation": found, "test": found}
    assert unknown_characters(parts) == "C"
    assert unknown_characters({**parts, "train": found}) == ""


def test_require_length_refuses_several_lengths():
    assert require_length((4,)) == 4
    with pytest.raises(SightkitError, match="--method=ctc"):
        require_length((3, 4))
