"""The linear classifier: gradients with every loss and penalty, and scikit-learn's solutions."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from sightkit.apps.foundations import LOSSES, PENALTIES, LinearClassifier


@pytest.fixture(scope="module")
def iris():
    x, y = load_iris(return_X_y=True)
    return (x - x.mean(axis=0)) / x.std(axis=0), y


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("loss", LOSSES)
def test_the_gradient_is_the_losses(loss, penalty, rng, finite_differences):
    x, y = rng.normal(size=(7, 4)), np.array([0, 1, 2, 2, 1, 0, 1])
    w = rng.normal(size=(4, 3))
    model = LinearClassifier(loss, penalty, strength=0.7)
    _, gradient = model.loss_and_gradient(w, x, y)
    numeric = finite_differences(lambda w: model.loss_and_gradient(w, x, y)[0], w)
    assert gradient == pytest.approx(numeric, abs=1e-7)


def test_cross_entropy_with_l2_is_scikit_learns(iris):
    x, y = iris
    strength = 0.01
    ours = LinearClassifier(strength=strength, method="nesterov", rate=0.1, steps=3000).fit(x, y)
    theirs = LogisticRegression(C=1 / (2 * strength * len(x)), tol=1e-10, max_iter=5000).fit(x, y)
    assert ours.w[1:].T == pytest.approx(theirs.coef_, abs=1e-4)
    # Equal shifts of all biases change nothing.
    assert np.diff(ours.w[0]) == pytest.approx(np.diff(theirs.intercept_), abs=1e-4)
    assert np.array_equal(ours.predict(x), theirs.predict(x))


def test_the_hinge_of_two_classes_is_scikit_learns_margin(iris):
    """Columns −u/2 and u/2 have half the penalty of one column u: C = 1 / (strength · n)."""
    x, y = iris[0][50:], iris[1][50:] - 1
    ours = LinearClassifier("hinge", strength=0.05, rate=0.001, steps=8000).fit(x, y)
    theirs = SVC(kernel="linear", C=1 / (0.05 * len(x))).fit(x, y)
    column = ours.w[:, 1] - ours.w[:, 0]
    assert column[1:] == pytest.approx(theirs.coef_[0], abs=0.03)
    assert column[0] == pytest.approx(theirs.intercept_[0], abs=0.03)


@pytest.mark.slow
def test_penalties_shrink_what_they_should(iris):
    x, y = iris
    noise = np.random.default_rng(0).normal(size=(len(x), 6))
    x = np.column_stack([x, noise])
    largest = {
        name: np.abs(LinearClassifier(penalty=name, strength=0.05, rate=0.003, steps=3000)
                     .fit(x, y).w[5:]).max()
        for name in PENALTIES
    }  # fmt: skip
    assert largest["L1"] < 0.02 < largest["L2"] < largest["none"]
    assert largest["L1"] < largest["elastic_net"] < largest["none"]


@pytest.mark.parametrize("batch_size", (1, 32, None))
@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_learns_with_every_size_of_batch(loss, batch_size, iris):
    x, y = iris
    model = LinearClassifier(loss, batch_size=batch_size, steps=1500).fit(x, y)
    assert model.scores(x).shape == (150, 3)
    assert np.mean(model.predict(x) == y) > 0.93
    again = LinearClassifier(loss, batch_size=batch_size, steps=1500).fit(x, y)
    assert np.array_equal(again.w, model.w)


def test_fitting_again_begins_anew(iris):
    x, y = iris
    model = LinearClassifier(steps=50)
    assert np.array_equal(model.fit(x, y).w.copy(), model.fit(x, y).w)
