"""The LSTM: gates, outputs and gradients as Keras', through time; and what it remembers."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.apps.foundations import lstm, lstm_backward, uneven


@pytest.fixture
def values(rng):
    """x, weights of input and output, bias: 2 sequences of 5 steps."""
    return [rng.normal(size=s) for s in ((2, 5, 3), (3, 16), (4, 16), (16,))]


def test_gradients_by_differences_and_by_keras(values, against_differences, against_keras):
    trace = lstm(*values)
    upstream = uneven(trace.h.shape)
    x, w_x, w_h, _ = values
    gradients = lstm_backward(upstream, x, trace, w_x, w_h)[:4]
    against_differences(lambda *values: lstm(*values).h, values, gradients, upstream)
    layer = keras.layers.LSTM(4, return_sequences=True, unroll=True, dtype="float64")
    layer.build(x.shape)

    def of_keras(x, *weights):
        return layer.stateless_call(weights, layer.non_trainable_variables, x)[0]

    against_keras(of_keras, values, trace.h, gradients, upstream)


def test_cells_are_the_formulas(values):
    trace = lstm(*values)
    before = np.concatenate([np.zeros((2, 1, 4)), trace.c[:, :-1]], axis=1)
    assert np.allclose(trace.c, trace.f * before + trace.i * trace.g)
    assert np.allclose(trace.h, trace.o * np.tanh(trace.c))
    for gate in (trace.i, trace.f, trace.o):
        assert (0 < gate).all() and (gate < 1).all()


def test_an_open_forget_gate_passes_gradients_on(rng):
    x, upstream = np.zeros((1, 50, 1)), np.zeros((1, 50, 4))
    upstream[:, -1] = 1
    for bias_of_f, remembers in ((20.0, True), (-1.0, False)):
        bias = np.repeat([-20.0, bias_of_f, 0.0, 20.0], 4)  # in: shut; out: open
        weights = np.zeros((1, 16)), np.zeros((4, 16))
        trace = lstm(x, *weights, bias)
        by_cells = lstm_backward(upstream, x, trace, *weights)[4]
        assert np.allclose(by_cells[0, 0], 1) == remembers
        assert (by_cells[0, 0] < 1e-9).all() != remembers


def test_weights_that_do_not_fit_are_refused(values):
    values[2] = values[2][:, :8]
    with pytest.raises(SightkitError, match=r"w_h \(4, 16\).*w_h=\(4, 8\)"):
        lstm(*values)
