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
