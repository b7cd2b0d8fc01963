"""What bagging and boosting do to bias and variance, measured."""

from __future__ import annotations

import numpy as np
import pytest

from sightkit.apps.foundations import average, decompose, noisy, regressor
from sightkit.apps.foundations.ensembles import MODELS

GRID = np.linspace(0, 1, 60)[:, None]


def wave(x):
    return np.sin(4 * np.pi * x)


@pytest.fixture(scope="module")
def found():
    truth, draw = wave(GRID[:, 0]), noisy(wave, 50, 0.3)
    return {
        name: decompose(lambda name=name: regressor(name, members=30), draw, GRID, truth, fits=30)
        for name in MODELS
    }


@pytest.mark.slow
def test_bagging_lowers_variance_and_leaves_bias(found):
    assert found["bagging"].variance < 0.7 * found["tree"].variance
    assert abs(found["bagging"].bias2 - found["tree"].bias2) < 0.02


@pytest.mark.parametrize("name", ("boosting", "gradient_boosting"))
def test_boosting_lowers_bias(name, found):
    assert found[name].bias2 < 0.6 * found["small_tree"].bias2
    assert found[name].error < found["small_tree"].error


def test_an_average_is_never_worse_than_its_members_are_on_average(found, rng):
    predictions, truth = found["tree"].predictions, wave(GRID[:, 0])
    errors = ((predictions - truth) ** 2).mean(axis=1)
    assert ((average(predictions) - truth) ** 2).mean() < errors.mean()
    weights = rng.random(len(predictions))
    weighted = ((average(predictions, weights) - truth) ** 2).mean()
    assert weighted < np.average(errors, weights=weights)
    assert average(np.array([[0.0], [1.0]]), np.array([1.0, 3.0])).tolist() == [0.75]
    same = np.tile(predictions[:1], (3, 1))
    assert ((average(same) - truth) ** 2).mean() == pytest.approx(errors[0])


def test_each_tree_that_is_added_lowers_bias_and_raises_variance():
    few, many = (
        decompose(
            lambda m=members: regressor("gradient_boosting", members=m),
            noisy(wave, 50, 0.3),
            GRID,
            wave(GRID[:, 0]),
            fits=30,
        )
        for members in (5, 50)
    )
    assert many.bias2 < 0.2 * few.bias2 and many.variance > 1.5 * few.variance


def test_the_same_seed_is_the_same_ensemble(rng):
    x, y = GRID, wave(GRID[:, 0]) + rng.normal(0, 0.3, 60)
    one, same, other = (regressor("bagging", seed=s).fit(x, y).predict(x) for s in (1, 1, 2))
    assert np.array_equal(one, same) and not np.array_equal(one, other)
