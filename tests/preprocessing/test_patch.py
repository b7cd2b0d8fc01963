from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightkit._errors import SightkitError
from sightkit.preprocessing import PatchPreprocessor


def numbered(rows: int, columns: int, dtype: type = np.float32) -> np.ndarray:
    """Every pixel has a number of its own."""
    return np.arange(rows * columns, dtype=dtype).reshape(rows, columns, 1)


@given(st.data(), st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32))
def test_a_patch_is_a_part_of_the_image(data, rows, columns, seed):
    height, width = data.draw(st.integers(1, rows)), data.draw(st.integers(1, columns))
    image = numbered(rows, columns)
    patch = PatchPreprocessor(width, height)(image, np.random.default_rng(seed))
    top, left = divmod(int(patch[0, 0, 0]), columns)
    assert patch.dtype == image.dtype
    assert np.array_equal(patch, image[top : top + height, left : left + width])


def test_every_place_is_equally_likely():
    image, patch, counts = numbered(4, 5), PatchPreprocessor(3, 2), np.zeros((4, 5))
    rng = np.random.default_rng(0)
    for _ in range(9000):
        counts.flat[int(patch(image, rng)[0, 0, 0])] += 1
    places = counts[:3, :3]
    assert counts.sum() == places.sum()
    assert np.abs(places - 1000).max() < 5 * np.sqrt(1000)


def test_two_numbers_are_drawn_whatever_the_size():
    used, other = np.random.default_rng(5), np.random.default_rng(5)
    PatchPreprocessor(4, 4)(numbered(4, 4), used)  # nothing to choose
    PatchPreprocessor(4, 4)(numbered(9, 9), other)
    assert used.random() == other.random()


@pytest.mark.parametrize("shape", ((5, 20), (20, 6), (5, 6)))
def test_an_image_smaller_than_the_patch_is_refused(shape, rng):
    with pytest.raises(SightkitError, match=r"7x6.*Received: width=\d+, height=\d+.*AspectAware"):
        PatchPreprocessor(7, 6)(numbered(*shape), rng)
