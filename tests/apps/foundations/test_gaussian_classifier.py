"""Gaussian densities by class, held against scikit-learn's and SciPy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.datasets import load_iris
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.naive_bayes import GaussianNB

from sightkit._errors import SightkitError
from sightkit.apps.foundations import GaussianClassifier


@pytest.fixture(scope="module")
def iris():
    x, y = load_iris(return_X_y=True)
    return x[:140], y[:140]  # priors that differ


@pytest.mark.parametrize("covariance", ("own", "shared", "diagonal"))
def test_densities_are_those_of_scipy(covariance, iris):
    x, y = iris
    model = GaussianClassifier(covariance).fit(x, y)
    for k in range(3):
        density = multivariate_normal(model.means[k], model.covariances[k])
        assert model.log_density(x)[:, k] == pytest.approx(density.logpdf(x))
    assert model.priors == pytest.approx([50 / 140, 50 / 140, 40 / 140])


@pytest.mark.parametrize(
    ("covariance", "theirs"),
    (
        ("shared", LinearDiscriminantAnalysis(solver="lsqr")),
        ("diagonal", GaussianNB(var_smoothing=0)),
    ),
)
def test_probabilities_are_those_of_scikit_learn(covariance, theirs, iris):
    x, y = iris
    model = GaussianClassifier(covariance).fit(x, y)
    assert model.predict_proba(x) == pytest.approx(theirs.fit(x, y).predict_proba(x), abs=1e-9)
    assert np.array_equal(model.predict(x), theirs.predict(x))


def test_own_covariances_are_the_likeliest(iris):
    x, y = iris
    model = GaussianClassifier().fit(x, y)
    assert model.covariances[1] == pytest.approx(np.cov(x[y == 1].T, ddof=0))
    assert np.mean(model.predict(x) == y) > 0.97
    smooth = GaussianClassifier(smoothing=0.5).fit(x, y)
    added = smooth.covariances - model.covariances
    assert added == pytest.approx(np.tile(0.5 * np.eye(4), (3, 1, 1)))


def test_units_do_not_matter(iris):
    x, y = iris
    units = np.array([1e-6, 1.0, 1e6, 1e3])
    assert np.array_equal(
        GaussianClassifier().fit(x * units, y).predict(x * units),
        GaussianClassifier().fit(x, y).predict(x),
    )


def test_a_singular_covariance_is_refused_with_what_helps(iris):
    x, y = iris
    few = np.r_[0:3, 50:53, 100:103]
    with pytest.raises(SightkitError, match=r"singular.*covariance='diagonal', smoothing=0\.01"):
        GaussianClassifier().fit(x[few], y[few])
    for settings in ({"covariance": "diagonal", "smoothing": 0.01}, {"smoothing": 0.01}):
        assert GaussianClassifier(**settings).fit(x[few], y[few]).predict(x).shape == (140,)
    constant = np.column_stack([x, np.ones(140)])
    with pytest.raises(SightkitError, match="features that never vary"):
        GaussianClassifier("diagonal").fit(constant, y)
