"""Drawn captchas in a folder, and their annotation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sightkit.apps import captcha
from sightkit.apps.captcha.character_reader import Reading

TEXTS = ("2756", "1861", "9439")


@pytest.fixture
def captchas(tmp_path: Path) -> Path:
    folder = tmp_path / "captchas"
    folder.mkdir()
    captcha.write_captchas(folder, TEXTS)
    return folder


@pytest.fixture
def open_annotation(captchas: Path, tmp_path: Path):
    """Open the annotation of the three captchas, with readings in place of a network's."""

    def open_one(readings: dict[str, Reading] | None = None, **options) -> captcha.Annotation:
        folder = tmp_path / "labels"
        folder.mkdir(exist_ok=True)
        paths, images = captcha.read_captchas(captchas)
        given = {"alphabet": "123456789", "length": 4, "readings": readings or {}, **options}
        return captcha.Annotation(folder, paths, images, **given)

    return open_one


def reading(text: str, *probabilities: float) -> Reading:
    return Reading(text, probabilities or (0.99,) * len(text), 4)


def type_text(annotation: captcha.Annotation, text: str) -> None:
    name = annotation.state()["captcha"]["name"]
    for key in text:
        annotation.press(name, key)


def touching_pair() -> np.ndarray:
    """A captcha of which three characters are found at most."""
    image = captcha.draw_captcha("111", np.random.default_rng(0))
    assert len(captcha.character_boxes(image)) == 3
    return image
