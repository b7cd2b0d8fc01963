"""Characters cut by contours: each one, in order, also where two touch; what is found is said."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from sightkit import io
from sightkit.apps import captcha

WHITE = np.full((36, 150, 3), 255, np.uint8)
REAL = Path(os.environ.get("SIGHTKIT_TEST_DATA", ""), "captcha/ezpass")


def drawn(text: str = "2756", seed: int = 0) -> np.ndarray:
    return captcha.draw_captcha(text, np.random.default_rng(seed))


def touching(image: np.ndarray, boxes: np.ndarray, index: int) -> np.ndarray:
    """The picture with everything from the character after ``index`` on moved to that one."""
    x, gap = boxes[index + 1, 0], boxes[index + 1, 0] - boxes[index, 2]
    joined = np.full_like(image, 255)
    joined[:, :x] = image[:, :x]
    rest = image[:, x:]
    at = slice(x - gap - 1, x - gap - 1 + rest.shape[1])
    joined[:, at] = np.minimum(joined[:, at], rest)
    return joined


@pytest.mark.parametrize("seed", range(8))
def test_character_boxes_hold_the_ink_of_each_cell(seed):
    image = drawn(seed=seed)
    boxes = captcha.character_boxes(image)
    assert len(boxes) == 4
    assert (np.diff(boxes[:, 0]) > 0).all()
    outside = image[..., 0] < 100
    for x0, y0, x1, y1 in boxes:
        assert outside[y0:y1, x0:x1].any()
        outside[y0:y1, x0:x1] = False
    assert not outside.any()


@pytest.mark.parametrize("index", range(3))
def test_characters_that_touch_are_divided(index):
    image = drawn("8686")
    boxes = captcha.character_boxes(image)
    joined = touching(image, boxes, index)
    assert len(captcha.character_boxes(joined, count=1)) == 3  # nothing to divide: one is enough
    found = captcha.character_boxes(joined)
    assert len(found) == 4
    gap = boxes[index + 1, 0] - boxes[index, 2] + 1
    expected = boxes - [[gap * (k > index), 0, gap * (k > index), 0] for k in range(4)]
    assert np.abs(found - expected).max() <= 3


def test_characters_are_as_many_as_are_there():
    image = drawn()
    boxes = captcha.character_boxes(image)
    missing = image.copy()
    missing[:, boxes[1, 0] : boxes[1, 2]] = 255
    assert len(captcha.character_boxes(missing)) == 3
    assert len(captcha.character_boxes(drawn("27561"))) == 5
    assert len(captcha.character_boxes(WHITE)) == 0
    assert captcha.cut_characters(WHITE) == []


def test_specks_are_no_characters():
    image = drawn()
    image[2:5, 60:63] = 0
    assert len(captcha.character_boxes(image)) == 4


def test_cut_characters_have_a_margin_beyond_the_border():
    image = np.roll(drawn(), -captcha.character_boxes(drawn())[0, 0], axis=1)  # the first at x = 0
    characters = captcha.cut_characters(image)
    for box, character in zip(captcha.character_boxes(image), characters, strict=True):
        width, height = box[2:] - box[:2]
        assert character.shape == (height + 10, width + 10, 1)
        assert character.dtype == np.uint8
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None]
    again = captcha.cut_characters(grey)
    assert all((a == b).all() for a, b in zip(characters, again, strict=True))


@pytest.mark.slow
@pytest.mark.skipif(not REAL.is_dir(), reason="SIGHTKIT_TEST_DATA holds no E-ZPass captchas")
def test_real_characters_are_those_that_the_book_cut():
    """Bit by bit, all 800 of 200 captchas."""
    book = {cv2.imread(str(path), 0).tobytes() for path in REAL.glob("dataset/*/*.png")}
    paths = sorted(REAL.glob("downloads/*.jpg"))
    cut = [captcha.cut_characters(io.read_image(path)) for path in paths]
    assert {len(characters) for characters in cut} == {4}
    assert all(character.tobytes() in book for characters in cut for character in characters)
