"""The check itself: it finds a wrong gradient, and even weights would hide one."""

from __future__ import annotations

import numpy as np
import pytest

from sightkit.apps.foundations import (
    ACTIVATIONS,
    batch_normalization,
    batch_normalization_backward,
    numerical_gradient,
    relative_error,
    uneven,
)


def test_differences_give_the_slope():
    x = np.array([[1.0, -2.0], [0.5, 3.0]])
    assert np.allclose(numerical_gradient(lambda x: x**3, x, np.ones((2, 2))), 3 * x**2)
    assert x.tolist() == [[1.0, -2.0], [0.5, 3.0]]  # untouched


@pytest.mark.parametrize("name", sorted({*ACTIVATIONS} - {"step"}))
@pytest.mark.parametrize("broken", (lambda g: -g, lambda g: 1.01 * g, lambda g: g.T.copy().T * 0))
def test_a_broken_gradient_is_found(name, broken, rng):
    forward, backward = ACTIVATIONS[name]
    x, upstream = rng.normal(size=(3, 4)), uneven((3, 4))
    wanted = numerical_gradient(forward, x, upstream)
    assert relative_error(backward(upstream, x), wanted) < 1e-6
    assert relative_error(broken(backward(upstream, x)), wanted) > 1e-3


def test_even_weights_hide_what_uneven_ones_show(rng):
    x, gamma, beta = rng.normal(size=(6, 3)), np.full(3, 2.0), np.zeros(3)
    nothing = np.zeros_like(x)
    for upstream, hidden in ((np.ones((6, 3)), True), (uneven((6, 3)), False)):
        wanted = numerical_gradient(lambda x: batch_normalization(x, gamma, beta), x, upstream)
        assert np.allclose(nothing, wanted, atol=1e-8) == hidden
        found = batch_normalization_backward(upstream, x, gamma)[0]
        assert np.allclose(found, wanted, atol=1e-7)


def test_no_two_weights_are_alike():
    assert len(np.unique(uneven((10, 10)))) == 100 and abs(uneven((10, 10))).min() >= 0.5
