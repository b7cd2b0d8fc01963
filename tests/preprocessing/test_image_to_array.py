from __future__ import annotations

import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.preprocessing import ImageToArrayPreprocessor


def test_bytes_become_floats_between_0_and_1():
    image = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    result = ImageToArrayPreprocessor()(image)
    assert result.dtype == np.float32
    assert (result.min(), result.max()) == (0.0, 1.0)
    assert np.allclose(result, image / 255, atol=1e-7)


def test_the_scale_can_be_chosen():
    image = np.full((2, 2, 3), 100, np.uint8)
    assert np.all(ImageToArrayPreprocessor(scale=1.0)(image) == 100.0)
    assert np.all(ImageToArrayPreprocessor(scale=0.5)(image) == 50.0)


@pytest.mark.parametrize("scale", (0, -1, float("nan"), float("inf")))
def test_a_scale_that_is_no_positive_number_is_refused(scale):
    with pytest.raises(SightkitError, match="Received: scale="):
        ImageToArrayPreprocessor(scale)
