"""The recurrent cell: states and gradients as Keras', through time; sizes that do not fit."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.apps.foundations import (
    recurrent,
    recurrent_backward,
    relative_error,
    uneven,
    with_largest_eigenvalue,
)


@pytest.fixture
def values(rng):
    """x, W_xh, W_hh, bias: 2 sequences of 5 steps."""
    return [rng.normal(size=s) for s in ((2, 5, 3), (3, 4), (4, 4), (4,))]


@pytest.mark.parametrize("only_last", (False, True))
def test_gradients_by_differences_and_by_keras(
    only_last, values, against_differences, against_keras
):
    states = recurrent(*values)
    upstream = uneven(states.shape)
    upstream[:, :-1] *= not only_last
    x, w_xh, w_hh, _ = values
    gradients = recurrent_backward(upstream, x, states, w_xh, w_hh)[:4]
    against_differences(recurrent, values, gradients, upstream)
    layer = keras.layers.SimpleRNN(4, return_sequences=True, unroll=True, dtype="float64")
    layer.build(x.shape)

    def of_keras(x, *weights):
        return layer.stateless_call(weights, layer.non_trainable_variables, x)[0]

    against_keras(of_keras, values, states, gradients, upstream)


@pytest.mark.parametrize("largest", (0.5, 1.0, 1.5))
def test_gradients_scale_with_the_largest_eigenvalue(largest, rng):
    w_hh = with_largest_eigenvalue(8, largest, rng)
    assert abs(np.linalg.eigvals(w_hh)).max() == pytest.approx(largest)
    x = np.zeros((1, 201, 1))  # states of 0, where tanh has the slope 1
    states = recurrent(x, np.zeros((1, 8)), w_hh, np.zeros(8))
    upstream = np.zeros(states.shape)
    upstream[:, -1] = rng.normal(size=8)
    *_, by_states = recurrent_backward(upstream, x, states, np.zeros((1, 8)), w_hh)
    norms = np.linalg.norm(by_states[0], axis=1)
    assert (norms[0] / norms[100]) ** (1 / 100) == pytest.approx(largest, rel=0.02)


def test_a_forgotten_transposition_is_found(values):
    """A mutation: the way back by W_hh in place of its transpose."""
    x, w_xh, w_hh, _ = values
    states = recurrent(*values)
    right = recurrent_backward(uneven(states.shape), x, states, w_xh, w_hh)
    wrong = recurrent_backward(uneven(states.shape), x, states, w_xh, w_hh.T)
    assert relative_error(right[0], wrong[0]) > 0.01


@pytest.mark.parametrize("wrong", range(4))
def test_weights_that_do_not_fit_are_refused(wrong, values):
    values[wrong] = np.ones((7, 7))
    with pytest.raises(SightkitError, match=r"Equal letters must be equal sizes.*=\(7, 7\)"):
        recurrent(*values)
