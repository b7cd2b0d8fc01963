"""Grey to colour and back: a network of either kind takes a photo of the other."""

from __future__ import annotations

import numpy as np
import pytest

from sightkit.preprocessing import BGRPreprocessor, ColourPreprocessor, GrayscalePreprocessor


@pytest.mark.parametrize("dtype", (np.uint8, np.float32))
def test_to_colour_and_to_grey_again_changes_nothing(dtype, rng):
    grey = (rng.random((30, 40, 1)) * 255).astype(dtype)
    again = GrayscalePreprocessor()(ColourPreprocessor()(grey))
    assert again.dtype == dtype
    assert np.allclose(again, grey, rtol=1e-6)
    assert dtype == np.float32 or np.array_equal(again, grey)


def test_grey_becomes_three_equal_channels_and_colour_stays(photo):
    grey = photo[..., :1]
    assert np.array_equal(ColourPreprocessor()(grey), np.concatenate([grey] * 3, axis=-1))
    assert np.shares_memory(ColourPreprocessor()(photo), photo)


def test_bgr_twice_is_rgb(photo):
    assert np.array_equal(BGRPreprocessor()(BGRPreprocessor()(photo)), photo)
    assert np.array_equal(BGRPreprocessor()(photo)[..., 0], photo[..., 2])


def test_grey_is_the_weighted_sum_of_red_green_and_blue(rng):
    image = rng.integers(0, 256, (30, 40, 3)).astype(np.uint8)
    expected = image @ np.array([0.299, 0.587, 0.114])
    result = GrayscalePreprocessor()(image)
    assert result.dtype == np.uint8
    assert np.abs(result[..., 0] - expected).max() <= 0.505  # OpenCV rounds the weights to 14 bits


def test_red_is_the_first_channel():
    red = np.zeros((1, 1, 3), np.uint8)
    red[..., 0] = 255
    assert GrayscalePreprocessor()(red).item() == 76  # 0.299 * 255; as BGR it would be 29


def test_grey_stays_as_it_is(rng):
    image = rng.integers(0, 256, (3, 4, 1)).astype(np.uint8)
    assert np.array_equal(GrayscalePreprocessor()(image), image)


def test_a_grey_photo_in_colour_keeps_its_values(rng):
    grey = rng.integers(0, 256, (9, 9, 1)).astype(np.uint8)
    assert np.array_equal(GrayscalePreprocessor()(np.repeat(grey, 3, axis=2)), grey)
