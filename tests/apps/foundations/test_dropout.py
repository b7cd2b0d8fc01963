"""Inverted dropout: what is silent, what stays the same, what comes back."""

from __future__ import annotations

import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.apps.foundations import dropout, dropout_backward, uneven


@pytest.mark.parametrize("dropped", (0.0, 0.1, 0.5, 0.9))
def test_the_share_and_the_mean_are_as_given(dropped, rng):
    x = np.ones((400, 500), np.float32)
    out, mask = dropout(x, dropped, rng)
    assert (mask == 0).mean() == pytest.approx(dropped, abs=0.01)
    assert out.mean() == pytest.approx(1, abs=0.02) and out.dtype == np.float32
    assert np.unique(out[out > 0]) == pytest.approx(1 / (1 - dropped))


def test_the_gradient_goes_through_what_spoke(rng, against_differences, against_keras):
    x, upstream = rng.normal(size=(4, 6)), uneven((4, 6))
    out, mask = dropout(x, 0.4, np.random.default_rng(3))
    gradients = [dropout_backward(upstream, mask)]
    against_differences(
        lambda x: dropout(x, 0.4, np.random.default_rng(3))[0], [x], gradients, upstream
    )
    against_keras(lambda x: x * mask, [x], out, gradients, upstream)


@pytest.mark.parametrize("dropped", (-0.1, 1.0, 1.5, float("nan")))
def test_a_share_that_is_none_is_refused(dropped, rng):
    with pytest.raises(SightkitError, match="at least 0 and below 1"):
        dropout(np.ones(3), dropped, rng)
