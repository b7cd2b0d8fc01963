"""Captchas drawn for tests: dark characters on white, the same for a seed."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from sightkit.apps import captcha


@pytest.mark.parametrize(("size", "rotation"), [((36, 150), 0.0), ((24, 72), 15.0)])
def test_draw_captcha_has_ink_in_each_cell_on_white(size, rotation):
    image = captcha.draw_captcha("2B8W", np.random.default_rng(0), size=size, rotation=rotation)
    assert image.shape == (*size, 3)
    assert image.dtype == np.uint8
    assert np.median(image) > 245
    for cell in np.array_split(image, 4, axis=1):
        assert 20 < (cell[..., 0] < 100).sum() < cell[..., 0].size / 2


def test_write_captchas_is_a_function_of_the_seed(tmp_path):
    texts = captcha.random_texts(3, seed=1)
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    first = captcha.write_captchas(tmp_path / "a", texts, seed=2)
    again = captcha.write_captchas(tmp_path / "b", texts, seed=2)
    other = captcha.write_captchas(tmp_path / "c", texts, seed=3, named_by_text=True)
    assert [*first.values()] == texts
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]
    assert [path.name for path in other] == [f"{text}.png" for text in texts]
    assert any(
        (cv2.imread(str(a)) != cv2.imread(str(b))).any() for a, b in zip(first, other, strict=True)
    )


def test_random_texts_differ_and_end_where_there_are_no_more():
    assert len(set(captcha.random_texts(200, seed=5))) == 200
    assert sorted(captcha.random_texts(9, alphabet="ab", length=2)) == ["aa", "ab", "ba", "bb"]
