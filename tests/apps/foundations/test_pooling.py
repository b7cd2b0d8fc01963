"""Pooling: values, gradients, places; windows that overlap too."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.apps.foundations import (
    average_pooling,
    average_pooling_backward,
    max_pooling,
    max_pooling_backward,
    uneven,
)

CASES = ((2, None, 6), (3, 2, 7), (2, 1, 4), (6, None, 6))


@pytest.mark.parametrize(("size", "stride", "side"), CASES)
def test_gradients_by_differences_and_by_keras(
    size, stride, side, rng, against_differences, against_keras
):
    x = rng.permutation(2 * side * side * 3).reshape(2, side, side, 3) / 10
    for kind in ("max", "average"):
        if kind == "max":
            output, places = max_pooling(x, size, stride)
            upstream = uneven(output.shape)
            gradient = max_pooling_backward(upstream, places, x.shape)
        else:
            output = average_pooling(x, size, stride)
            upstream = uneven(output.shape)
            gradient = average_pooling_backward(upstream, x.shape, size, stride)

        def forward(x, kind=kind):
            pooled = (max_pooling if kind == "max" else average_pooling)(x, size, stride)
            return pooled[0] if kind == "max" else pooled

        def of_keras(x, kind=kind):
            pool = keras.ops.max_pool if kind == "max" else keras.ops.average_pool
            return pool(x, size, stride or size, "valid", "channels_last")

        against_differences(forward, [x], [gradient], upstream)
        against_keras(of_keras, [x], output, [gradient], upstream)


def test_places_are_where_the_largest_was(rng):
    x = rng.normal(size=(2, 6, 8, 3))
    out, places = max_pooling(x, 2)
    flat = x.reshape(2, 48, 3)
    for n, d in np.ndindex(2, 3):
        assert (flat[n, places[n, :, :, d].ravel(), d] == out[n, :, :, d].ravel()).all()
    assert max_pooling(np.zeros((1, 2, 2, 1)))[1].item() == 0  # of equal numbers the first


def test_a_window_that_leaves_pixels_out_is_refused():
    with pytest.raises(SightkitError, match="stride must divide"):
        max_pooling(np.zeros((1, 5, 5, 1)))
    with pytest.raises(SightkitError, match="must fit"):
        average_pooling(np.zeros((1, 2, 2, 1)), 3)
