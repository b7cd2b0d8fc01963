"""Neighbours and prototypes, held against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid

from sightkit.apps.foundations import (
    ApproximateNeighbours,
    NearestMean,
    NearestNeighbours,
    distances,
)

SKLEARN = {"L1": "manhattan", "L2": "euclidean"}


@pytest.fixture(scope="module")
def digits():
    """Half of the digits to learn from, 200 others; with a little noise nothing is equally far."""
    x, y = load_digits(return_X_y=True)
    x = x + np.random.default_rng(0).normal(0, 0.01, x.shape)
    return x[:900], y[:900], x[900:1100], y[900:1100]


def test_distances_are_the_formulas():
    a, b = np.array([[0.0, 0.0]]), np.array([[3.0, -4.0], [1.0, 1.0]])
    assert distances(a, b, "L1").tolist() == [[7, 2]]
    assert distances(a, b) == pytest.approx(np.array([[5, 2**0.5]]))
    assert distances(b, a).shape == (2, 1)


@pytest.mark.parametrize("norm", SKLEARN)
@pytest.mark.parametrize("k", (1, 2, 5))
def test_neighbours_are_those_of_scikit_learn(k, norm, digits):
    x, y, new, truth = digits
    ours = NearestNeighbours(k, norm).fit(x, y)
    theirs = KNeighborsClassifier(k, metric=SKLEARN[norm], algorithm="brute").fit(x, y)
    assert np.array_equal(ours.neighbours(new), theirs.kneighbors(new, return_distance=False))
    assert ours.predict_proba(new) == pytest.approx(theirs.predict_proba(new))
    assert np.array_equal(ours.predict(new), theirs.predict(new))
    assert np.mean(ours.predict(new) == truth) > 0.93


@pytest.mark.parametrize("norm", SKLEARN)
def test_prototypes_are_those_of_scikit_learn(norm, digits):
    x, y, new, truth = digits
    ours = NearestMean(norm).fit(x, y)
    theirs = NearestCentroid(metric=SKLEARN[norm]).fit(x, y)
    assert ours.prototypes == pytest.approx(theirs.centroids_)
    assert np.array_equal(ours.predict(new), theirs.predict(new))
    assert np.mean(ours.predict(new) == truth) > 0.8


def test_the_approximate_search_finds_nearly_all(digits):
    x, y, new, truth = digits
    exact = NearestNeighbours(5).fit(x, y).neighbours(new)
    shares = {}
    for directions in (2, 16, 32):
        found = ApproximateNeighbours(5, directions=directions).fit(x, y).neighbours(new)
        assert found.shape == (200, 5)
        pairs = zip(found, exact, strict=True)
        shares[directions] = np.mean([np.isin(a, b).mean() for a, b in pairs])
    assert shares[2] < shares[16] < shares[32] and shares[16] > 0.85 and shares[32] > 0.97
    everything = ApproximateNeighbours(5, candidates=len(x)).fit(x, y)
    assert np.array_equal(everything.neighbours(new), exact)
    assert np.mean(ApproximateNeighbours(3).fit(x, y).predict(new) == truth) > 0.93
