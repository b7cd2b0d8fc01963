from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightkit._errors import SightkitError
from sightkit.preprocessing import AspectAwarePreprocessor, SimplePreprocessor

sizes = st.integers(1, 60)


def ramp(rows: int, columns: int) -> np.ndarray:
    """float32 (rows, columns, 3): the row, the column, and nothing."""
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    return np.stack([y, x, 0 * x], axis=-1)


@given(sizes, sizes, sizes, sizes, st.sampled_from((1, 3)), st.sampled_from((np.uint8, np.float32)))
def test_the_result_has_exactly_the_size_asked_for(rows, columns, height, width, channels, dtype):
    image = np.full((rows, columns, channels), 7, dtype)
    result = AspectAwarePreprocessor(width, height)(image)
    assert result.shape == (height, width, channels)
    assert result.dtype == dtype
    assert np.allclose(result, 7, rtol=1e-6)


@given(st.integers(8, 90), st.integers(8, 90), st.integers(2, 40), st.integers(2, 40))
def test_what_is_kept_lies_in_the_middle_and_is_not_distorted(rows, columns, height, width):
    result = AspectAwarePreprocessor(width, height)(ramp(rows, columns))
    unit = min(rows / height, columns / width)
    # Pixels of the original for one of the result, down and across: equal but for rounding.
    if unit >= 1:
        down = np.ptp(result[:, 0, 0]) / (height - 1)
        across = np.ptp(result[0, :, 1]) / (width - 1)
        assert abs(down - unit) <= 0.5 / height + 1e-3
        assert abs(across - unit) <= 0.5 / width + 1e-3
    assert abs(result[..., 0].mean() - (rows - 1) / 2) <= 0.5 + 1e-3
    assert abs(result[..., 1].mean() - (columns - 1) / 2) <= 0.5 + 1e-3


@pytest.mark.parametrize(
    ("shape", "size", "kept"),
    (
        # 300x320 to 400x200 (width, height): the reference kept 93 of 320 columns, stretched.
        ((300, 320), (400, 200), ((70, 230), (0, 320))),
        ((256, 257), (256, 256), ((0, 256), (0, 256))),  # an odd remainder
        ((257, 256), (256, 256), ((0, 256), (0, 256))),
        ((100, 200), (50, 50), ((0, 100), (50, 150))),
        ((200, 100), (20, 80), ((0, 200), (25, 75))),
        ((10, 10), (100, 50), ((2, 7), (0, 10))),  # grows
    ),
)
def test_it_is_a_crop_of_whole_pixels_resized(shape, size, kept, rng):
    image = rng.integers(0, 256, (*shape, 3)).astype(np.uint8)
    (top, bottom), (left, right) = kept
    expected = SimplePreprocessor(*size)(image[top:bottom, left:right])
    assert np.array_equal(AspectAwarePreprocessor(*size)(image), expected)


@pytest.mark.parametrize("shape", ((1, 1000), (1000, 1), (1, 1), (3, 2999), (1, 100_000)))
@pytest.mark.parametrize("size", ((32, 32), (5, 400), (400, 5)))
def test_extreme_shapes_never_vanish(shape, size):
    image = np.full((*shape, 3), 9, np.uint8)
    result = AspectAwarePreprocessor(*size)(image)
    assert result.shape == (*size[::-1], 3)
    assert np.all(result == 9)


def test_the_share_that_is_kept_can_be_chosen():
    """Short side 256, middle 224, in one step."""
    result = AspectAwarePreprocessor(224, 224, crop=0.875)(ramp(256, 400))
    assert result[0, 0].tolist() == [16.0, 88.0, 0.0]
    assert result[-1, -1].tolist() == [239.0, 311.0, 0.0]


@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 20), st.integers(1, 20))
def test_a_mirrored_image_gives_the_mirrored_result(rows, columns, height, width):
    """Where the remainder is even; an odd one is cut off on one side."""
    image = np.random.default_rng(rows * columns).random((rows, columns, 1)).astype(np.float32)
    preprocessor = AspectAwarePreprocessor(width, height)
    unit = min(columns / width, rows / height)
    flips = [
        axis
        for axis, (n, m) in enumerate(((rows, height), (columns, width)))
        if (n - min(n, max(1, round(unit * m)))) % 2 == 0
    ]
    for axis in flips:
        mirrored = preprocessor(np.ascontiguousarray(np.flip(image, axis)))
        assert np.allclose(mirrored, np.flip(preprocessor(image), axis), atol=1e-4)


@pytest.mark.parametrize("crop", (0, -0.5, 1.01, float("nan")))
def test_a_share_that_is_none_is_refused(crop):
    with pytest.raises(SightkitError, match="Received: crop="):
        AspectAwarePreprocessor(5, 5, crop=crop)


@pytest.mark.parametrize("size", (0, -1, 2.5, "28", None))
def test_sizes_that_are_no_sizes_are_refused(size):
    with pytest.raises(SightkitError, match=r"width.*Received: width="):
        AspectAwarePreprocessor(size, 5)
    with pytest.raises(SightkitError, match=r"height.*Received: height="):
        AspectAwarePreprocessor(5, size)
