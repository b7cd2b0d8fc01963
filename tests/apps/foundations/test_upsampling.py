"""Upsampling: the notes' 1 2 / 3 4, gradients, and that ways there and back belong together."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from sightkit.apps.foundations import (
    bed_of_nails,
    bed_of_nails_backward,
    max_pooling,
    max_unpooling,
    max_unpooling_backward,
    nearest,
    nearest_backward,
    transposed_convolution,
    transposed_convolution_backward,
    uneven,
)

NUMBERS = np.array([[1.0, 2.0], [3.0, 4.0]]).reshape(1, 2, 2, 1)


def test_the_notes_numbers_are_upsampled():
    assert nearest(NUMBERS)[0, :, :, 0].tolist() == [[1, 1, 2, 2]] * 2 + [[3, 3, 4, 4]] * 2
    nails = bed_of_nails(NUMBERS)[0, :, :, 0].tolist()
    assert nails == [[1, 0, 2, 0], [0, 0, 0, 0], [3, 0, 4, 0], [0, 0, 0, 0]]
    pooled = np.array([[0, 0, 9, 0], [0, 9, 0, 0], [9, 0, 0, 0], [0, 0, 0, 9]])[None, ..., None]
    _, places = max_pooling(pooled)
    back = max_unpooling(NUMBERS, places, pooled.shape)[0, :, :, 0].tolist()
    assert back == [[0, 0, 2, 0], [0, 1, 0, 0], [3, 0, 0, 0], [0, 0, 0, 4]]
    even = transposed_convolution(NUMBERS, np.ones((2, 2, 1, 1)))
    assert even.tolist() == nearest(NUMBERS).tolist()
    overlapping = transposed_convolution(NUMBERS, np.ones((3, 3, 1, 1)))[0, :, :, 0]
    assert overlapping[2].tolist() == [4, 4, 10, 6, 6]  # the checkerboard


@pytest.mark.parametrize(
    ("forward", "backward"),
    (
        (lambda x: nearest(x, 3), lambda u: nearest_backward(u, 3)),
        (lambda x: bed_of_nails(x, 3), lambda u: bed_of_nails_backward(u, 3)),
    ),
)
def test_gradients_by_differences(forward, backward, rng, against_differences):
    x, upstream = rng.normal(size=(2, 2, 3, 2)), uneven((2, 6, 9, 2))
    against_differences(forward, [x], [backward(upstream)], upstream)


def test_nearest_is_that_of_keras(rng, against_keras):
    x, upstream = rng.normal(size=(2, 3, 4, 2)), uneven((2, 6, 8, 2))
    layer = keras.layers.UpSampling2D(2, dtype="float64")
    against_keras(layer, [x], nearest(x), [nearest_backward(upstream)], upstream)


def test_max_unpooling_goes_back_to_its_places(rng, against_differences):
    _, places = max_pooling(rng.normal(size=(2, 4, 6, 3)))
    x, upstream = rng.normal(size=(2, 2, 3, 3)), uneven((2, 4, 6, 3))
    gradients = [max_unpooling_backward(upstream, places)]
    against_differences(lambda x: max_unpooling(x, places, (2, 4, 6, 3)), [x], gradients, upstream)


@pytest.mark.parametrize("stride", (1, 2, 3))
def test_transposed_convolution_is_that_of_keras(stride, rng, against_differences, against_keras):
    values = [rng.normal(size=(2, 3, 4, 2)), rng.normal(size=(3, 3, 5, 2))]
    output = transposed_convolution(*values, stride)
    upstream = uneven(output.shape)
    gradients = transposed_convolution_backward(upstream, *values, stride)

    def of_keras(x, kernels):
        return keras.ops.conv_transpose(x, kernels, stride, "valid", data_format="channels_last")

    def ours(x, kernels):
        return transposed_convolution(x, kernels, stride)

    against_differences(ours, values, gradients, upstream)
    against_keras(of_keras, values, output, gradients, upstream)
