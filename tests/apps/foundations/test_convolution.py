"""Convolution: formulas of the notes, gradients, and sizes that do not fit."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.apps.foundations import (
    convolution,
    convolution_backward,
    output_size,
    parameters,
    same_padding,
    uneven,
)

CASES = ((1, 0), (1, 1), (1, "same"), (2, 0), (2, 1), (3, 0))


@pytest.mark.parametrize(("stride", "padding"), CASES)
def test_gradients_by_differences_and_by_keras(
    stride, padding, rng, against_differences, against_keras
):
    side = {(2, 0): 7, (2, 1): 5, (3, 0): 6}.get((stride, padding), 5)
    values = [rng.normal(size=s) for s in ((2, side, side, 2), (3, 3, 2, 3), (3,))]

    def forward(*values):
        return convolution(*values, stride, padding)

    def of_keras(x, kernels, bias):
        edge = 1 if padding == "same" else padding
        x = keras.ops.pad(x, ((0, 0), (edge, edge), (edge, edge), (0, 0)))
        return keras.ops.conv(x, kernels, stride, "valid", data_format="channels_last") + bias

    output = forward(*values)
    upstream = uneven(output.shape)
    gradients = convolution_backward(upstream, *values[:2], stride, padding)
    against_differences(forward, values, gradients, upstream)
    against_keras(of_keras, values, output, gradients, upstream)


def test_sizes_and_parameters_are_those_of_the_notes():
    assert output_size(32, 5, padding=2) == 32 and parameters(5, 3, 10) == 760
    assert output_size(227, 11, 4) == 55
    assert [parameters(3, depth, 1) - 1 for depth in (3, 94)] == [27, 846]
    assert [same_padding(window) for window in (1, 3, 5, 7)] == [0, 1, 2, 3]
    x, kernels = np.zeros((1, 32, 32, 3)), np.zeros((5, 5, 3, 10))
    assert convolution(x, kernels, np.zeros(10), padding=2).shape == (1, 32, 32, 10)


def test_float32_stays_float32(rng):
    x, kernels = (rng.normal(size=s).astype("float32") for s in ((1, 5, 5, 2), (3, 3, 2, 4)))
    out = convolution(x, kernels, np.zeros(4, np.float32))
    gradients = convolution_backward(out, x, kernels)
    assert {out.dtype, *(g.dtype for g in gradients)} == {np.dtype("float32")}


@pytest.mark.parametrize(
    ("call", "message"),
    (
        (lambda: output_size(7, 3, 3), "stride must divide W − F \\+ 2P = 4: else the last 1 p"),
        (lambda: output_size(3, 5), "must fit .* Received: size=3, window=5"),
        (lambda: output_size(5, 3, 0), "stride=0"),
        (lambda: output_size(5, 3, 1, -1), "padding=-1"),
        (lambda: same_padding(4), "odd size. Received: window=4. Take 5"),
        (
            lambda: convolution(np.zeros((1, 5, 5, 1)), np.zeros((2, 2, 1, 1)), 0, 1, "same"),
            "odd size",
        ),
        (
            lambda: convolution(np.zeros((1, 5, 5, 3)), np.zeros((3, 3, 1, 4)), np.zeros(4)),
            "Equal letters",
        ),
        (lambda: convolution(np.zeros((5, 5, 3)), np.zeros((3, 3, 3, 4)), np.zeros(4)), "N, H, W"),
    ),
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(SightkitError, match=message):
        call()
