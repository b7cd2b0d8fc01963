from __future__ import annotations

import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.preprocessing import CutoutPreprocessor


def test_each_hole_is_a_square_cut_off_at_the_edges_anywhere(rng):
    image = rng.integers(128, 256, (20, 30, 3)).astype(np.uint8)
    before = image.copy()
    sizes, covered = set(), np.zeros((20, 30), bool)
    for seed in range(400):
        result = CutoutPreprocessor(6)(image, np.random.default_rng(seed))
        hole = (result == 127).all(axis=2)
        rows, columns = np.flatnonzero(hole.any(axis=1)), np.flatnonzero(hole.any(axis=0))
        height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
        assert hole.sum() == height * width and max(height, width) <= 6
        assert height == 6 or 0 in rows or 19 in rows
        assert width == 6 or 0 in columns or 29 in columns
        np.testing.assert_array_equal(result[~hole], image[~hole])
        sizes.add((int(height), int(width)))
        covered |= hole
    assert (6, 6) in sizes and len(sizes) > 5 and covered.all()
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("arguments", ({"side": 0}, {"side": 3, "value": 256}))
def test_a_hole_without_a_side_and_a_value_that_is_no_byte_are_refused(arguments):
    with pytest.raises(SightkitError):
        CutoutPreprocessor(**arguments)
