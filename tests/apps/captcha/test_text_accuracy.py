"""Whole texts: one wrong character is a wrong text; nothing is skipped."""

from __future__ import annotations

import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.apps import captcha
from sightkit.apps.captcha import character_reader

from .conftest import TEXTS, touching_pair


class Classifier:
    """Answers 1, with 0.9, to every character but those that it is told."""

    class_names = ("1", "2", "3", "4", "5", "6", "7", "8", "9")

    def __init__(self, texts):
        self.answers = iter("".join(texts))

    def predict(self, images):
        rows = [np.full(9, 0.0125) for _ in images]
        for row, image in zip(rows, images, strict=True):
            assert image.dtype == np.uint8 and image.shape[-1] == 1
            row[self.class_names.index(next(self.answers, "1"))] = 0.9
        return np.array(rows, np.float32).reshape(-1, 9)


@pytest.fixture
def reader_of(monkeypatch):
    def make(texts):
        monkeypatch.setattr(character_reader.transfer, "load", lambda bundle: Classifier(texts))
        return captcha.CharacterReader("bundle", 4)

    return make


@pytest.fixture
def labelled(captchas):
    rows = [captcha.LabelledCaptcha(f"{k:05d}.png", "", text) for k, text in enumerate(TEXTS)]
    return rows, captcha.files_of(rows, captchas)


def test_all_right(reader_of, labelled):
    found = captcha.evaluate_texts(reader_of(TEXTS), *labelled)
    metrics = found.to_metrics()
    assert (metrics["captchas"], metrics["right"], metrics["accuracy"]) == (3, 3, 1.0)
    assert metrics["wrong"] == [] and metrics["interval"][0] < 0.5
    assert "3 of 3 texts are right" in str(found)


def test_one_wrong_character_is_a_wrong_text_and_is_shown(reader_of, labelled, tmp_path):
    found = captcha.evaluate_texts(reader_of(("2756", "1871", "9439")), *labelled)
    (wrong,) = found.wrong
    assert (wrong.file, wrong.text, wrong.answer) == ("00001.png", "1861", "1871")
    assert wrong.reason == "character"
    assert wrong.certainty == pytest.approx(0.9)
    assert found.accuracy == pytest.approx(2 / 3)
    assert found.wrong_characters == 1
    captcha.write_text_page(tmp_path / "page.html", found, "Captchas")
    page = (tmp_path / "page.html").read_text()
    assert page.count("<img") == 1
    assert "1861" in page and "1871" in page


def test_another_number_of_characters_and_a_bad_file_are_wrong(reader_of, labelled, captchas):
    import cv2

    rows, paths = labelled
    cv2.imwrite(str(captchas / "00000.png"), touching_pair())
    whole = paths[2].read_bytes()
    paths[2].write_bytes(whole[: len(whole) // 2])
    found = captcha.evaluate_texts(reader_of(("111", "1861")), rows, paths)
    reasons = {each.file: each.reason for each in found.wrong}
    assert reasons["00000.png"] == "number of characters"
    assert "00002.png" in reasons["00002.png"]  # the error names the file
    assert found.to_metrics()["right"] == 1
    assert found.cut_wrongly == 1
    assert "another number" in str(found)


def test_a_network_of_other_classes_is_refused():
    with pytest.raises(SightkitError, match="each class is one"):
        captcha.require_characters(("cat", "dog"), "bundle")


def test_a_reading_without_characters_has_no_certainty(reader_of):
    white = np.full((36, 150, 3), 255, np.uint8)
    (found,) = reader_of(()).read([white])
    assert (found.text, found.complete, found.certainty) == ("", False, 0.0)
