"""Bias, variance and their sum; what λ, bagging and boosting do to them."""

from __future__ import annotations

import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.apps.foundations import LinearRegression, decompose, noisy, powers, resampled

GRID = np.linspace(0, 1, 60)[:, None]


def wave(x):
    return np.sin(2 * np.pi * x)


class Polynomial:
    def __init__(self, degree, strength=0.0):
        self.degree, self.line = degree, LinearRegression(strength=strength)

    def fit(self, x, y):
        self.line.fit(powers(2 * x[:, 0] - 1, self.degree), y)
        return self

    def predict(self, x):
        return self.line.predict(powers(2 * x[:, 0] - 1, self.degree))


def measured(degree, strength=0.0, **options):
    draw, truth = noisy(wave, 30, 0.3), wave(GRID[:, 0])
    return decompose(lambda: Polynomial(degree, strength), draw, GRID, truth, **options)


def test_error_is_the_sum_of_its_parts():
    found = measured(3)
    assert found.predictions.shape == (100, 60)
    assert found.error == pytest.approx(found.bias2 + found.variance, rel=1e-12)
    assert measured(3).error == found.error != measured(3, seed=1).error


def test_noise_is_the_rest_of_the_error_on_new_numbers(rng):
    found = measured(3, fits=400)
    new = wave(GRID[:, 0]) + rng.normal(0, 0.3, (400, 60))
    assert ((found.predictions - new) ** 2).mean() == pytest.approx(found.error + 0.09, abs=0.005)


def test_higher_degrees_trade_bias_for_variance():
    one, three, nine = measured(1), measured(3), measured(9)
    assert one.bias2 > 10 * three.bias2 and nine.variance > 3 * three.variance
    assert three.error < min(one.error, nine.error)


def test_a_stronger_penalty_trades_variance_for_bias():
    found = [measured(9, strength) for strength in (1e-6, 1e-3, 1e-1, 10)]
    assert (np.diff([each.variance for each in found]) < 0).all()
    assert (np.diff([each.bias2 for each in found[1:]]) > 0).all()


def test_the_bootstrap_draws_with_return(rng):
    x, y = np.arange(1000.0)[:, None], np.arange(1000.0)
    rows, numbers = resampled(x, y)(rng)
    assert np.array_equal(rows[:, 0], numbers) and len(rows) == 1000
    assert len(np.unique(rows)) == pytest.approx(632, abs=30)  # 1 − 1/e of them


def test_no_fits_are_refused():
    with pytest.raises(SightkitError, match="fits must be a whole number"):
        measured(3, fits=0)
