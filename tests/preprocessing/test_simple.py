from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightkit._errors import SightkitError
from sightkit.preprocessing import SimplePreprocessor

sizes = st.integers(1, 40)


@given(sizes, sizes, sizes, sizes, st.sampled_from((1, 3)), st.sampled_from((np.uint8, np.float32)))
def test_the_result_has_exactly_the_size_asked_for(rows, columns, height, width, channels, dtype):
    image = np.full((rows, columns, channels), 7, dtype)
    result = SimplePreprocessor(width, height)(image)
    assert result.shape == (height, width, channels)
    assert result.dtype == dtype
    assert np.allclose(result, 7, rtol=1e-6)  # a plain image stays plain


@pytest.mark.parametrize("shape", ((1, 1000), (1000, 1), (1, 1), (3, 997)))
def test_extreme_shapes_never_vanish(shape):
    image = np.full((*shape, 3), 9, np.uint8)
    assert np.array_equal(SimplePreprocessor(5, 4)(image), np.full((4, 5, 3), 9))


def test_width_is_width_and_height_is_height():
    assert SimplePreprocessor(width=5, height=2)(np.zeros((8, 8, 1), np.uint8)).shape == (2, 5, 1)


def test_the_same_size_changes_nothing(photo):
    assert np.array_equal(SimplePreprocessor(64, 48)(photo), photo)


@given(
    st.integers(1, 5), st.integers(1, 5), st.integers(1, 6), st.integers(1, 6), st.integers(0, 9)
)
def test_shrinking_by_whole_factors_is_the_mean_of_blocks(down, across, height, width, seed):
    image = np.random.default_rng(seed).integers(0, 256, (height * down, width * across, 3))
    blocks = image.reshape(height, down, width, across, 3).mean(axis=(1, 3))
    result = SimplePreprocessor(width, height)(image.astype(np.uint8))
    assert np.abs(result - blocks).max() <= 0.5 + 1e-6  # rounding to whole bytes, no more


def test_float_images_shrink_to_the_exact_mean(rng):
    image = rng.random((24, 30, 1)).astype(np.float32)
    blocks = image.reshape(6, 4, 10, 3, 1).mean(axis=(1, 3))
    assert np.allclose(SimplePreprocessor(10, 6)(image), blocks, atol=1e-6)


@pytest.mark.parametrize("axis", (0, 1))
@pytest.mark.parametrize("growing", (False, True))
def test_fine_stripes_become_grey_and_do_not_alias(axis, growing):
    """One-pixel stripes shrunk by eight: grey, also when the other axis grows meanwhile."""
    stripes = (np.indices((64, 64))[axis] % 2 * 255).astype(np.uint8)[..., np.newaxis]
    size = [64 if not growing else 100] * 2
    size[axis] = 8
    result = SimplePreprocessor(width=size[1], height=size[0])(stripes)
    assert result.shape == (*size, 1)
    assert result.min() >= 126
    assert result.max() <= 129


def test_one_axis_may_shrink_while_the_other_grows(rng):
    image = rng.integers(0, 256, (16, 4, 1)).astype(np.uint8)
    result = SimplePreprocessor(width=8, height=4)(image)
    averaged = image.reshape(4, 4, 4, 1).mean(axis=1)
    # Linear growth keeps the outermost columns as they are.
    assert np.abs(result[:, 0] - averaged[:, 0]).max() <= 1
    assert np.abs(result[:, -1] - averaged[:, -1]).max() <= 1


def test_growing_stays_within_the_range_of_the_image(rng):
    image = rng.integers(50, 100, (5, 5, 3)).astype(np.uint8)
    result = SimplePreprocessor(31, 17)(image)
    assert 50 <= result.min()
    assert result.max() <= 99


@pytest.mark.parametrize("size", (0, -1, 2.5, "28", None))
def test_sizes_that_are_no_sizes_are_refused(size):
    with pytest.raises(SightkitError, match=r"width.*Received: width="):
        SimplePreprocessor(size, 5)
    with pytest.raises(SightkitError, match=r"height.*Received: height="):
        SimplePreprocessor(5, size)


@given(st.data(), st.integers(1, 90), st.integers(1, 90), st.sampled_from((1, 3)))
def test_shrinking_equals_opencvs_area_averaging(data, rows, columns, channels):
    height, width = data.draw(st.integers(1, rows)), data.draw(st.integers(1, columns))
    image = np.random.default_rng(rows).integers(0, 256, (rows, columns, channels), np.uint8)
    expected = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    result = SimplePreprocessor(width, height)(image)
    assert np.array_equal(result, expected.reshape(result.shape))


@given(sizes, sizes, sizes, sizes, st.sampled_from((0, 1)))
def test_a_mirrored_image_gives_the_mirrored_result(rows, columns, height, width, axis):
    image = np.random.default_rng(rows).random((rows, columns, 3)).astype(np.float32)
    preprocessor = SimplePreprocessor(width, height)
    mirrored = preprocessor(np.ascontiguousarray(np.flip(image, axis)))
    assert np.allclose(mirrored, np.flip(preprocessor(image), axis), atol=1e-4)
