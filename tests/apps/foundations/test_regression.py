"""Linear and logistic regression: one answer, whatever the way, and scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression as SklearnLogistic
from sklearn.linear_model import Ridge

from sightkit._errors import SightkitError
from sightkit.apps.foundations import LinearRegression, LogisticRegression, powers

SLOPES = np.array([2.0, -1.0, 0.5])


@pytest.fixture
def numbers(rng):
    x = rng.normal(size=(80, 3)) + 1
    return x, 4 + x @ SLOPES + rng.normal(0, 0.3, 80)


@pytest.fixture
def classes(rng):
    x = rng.normal(size=(120, 3)) + 1
    return x, (x @ SLOPES - 1.5 + rng.logistic(0, 1, 120) > 0).astype(int)


@pytest.mark.parametrize("strength", (0.0, 0.1))
@pytest.mark.parametrize("way", ("closed", "newton", "gradient"))
def test_every_way_leads_to_scikit_learns_line(way, strength, numbers):
    x, y = numbers
    ours = LinearRegression(way, strength, steps=5000).fit(x, y)
    theirs = Ridge(alpha=strength * len(x)).fit(x, y)  # it adds the errors, ours is their mean
    assert ours.w == pytest.approx(np.r_[theirs.intercept_, theirs.coef_], abs=1e-8)
    assert ours.predict(x) == pytest.approx(theirs.predict(x), abs=1e-7)
    assert len(ours.path) == {"gradient": 5001}.get(way, 2)  # Newton's first step is its last


@pytest.mark.parametrize("strength", (0.01, 0.1))
@pytest.mark.parametrize("way", ("newton", "gradient"))
def test_both_ways_lead_to_scikit_learns_border(way, strength, classes):
    x, y = classes
    ours = LogisticRegression(way, strength, rate=0.5, steps=5000).fit(x, y)
    theirs = SklearnLogistic(C=1 / (2 * strength * len(x)), tol=1e-10, max_iter=1000).fit(x, y)
    assert ours.w == pytest.approx(np.r_[theirs.intercept_, theirs.coef_[0]], abs=1e-5)
    assert ours.predict_proba(x) == pytest.approx(theirs.predict_proba(x), abs=1e-6)
    assert np.array_equal(ours.predict(x), theirs.predict(x))
    if way == "newton":
        assert len(ours.path) < 12
        losses = [ours.loss(w) for w in ours.path]
        assert (np.diff(losses) < 0).all()


@pytest.mark.parametrize("model", (LinearRegression(strength=0.3), LogisticRegression()))
def test_gradient_and_hessian_are_the_losses(model, classes, finite_differences, rng):
    model.fit(*classes)
    model.strength = 0.3
    w = rng.normal(size=4)
    assert model.gradient(w) == pytest.approx(finite_differences(model.loss, w), abs=1e-7)
    uneven = np.array([0.7, -1.3, 2.1, 0.4])
    by_differences = finite_differences(lambda w: uneven @ model.gradient(w), w)
    assert uneven @ model.hessian(w) == pytest.approx(by_differences, abs=1e-7)


def test_the_intercept_is_not_penalized(numbers):
    x, y = numbers
    flat = LinearRegression(strength=1e6).fit(x, y)
    assert flat.w[0] == pytest.approx(y.mean(), abs=1e-3) and np.abs(flat.w[1:]).max() < 1e-3


@pytest.mark.parametrize("way", ("closed", "newton"))
def test_a_singular_system_is_refused_with_what_helps(way, numbers):
    x, y = numbers
    doubled = np.column_stack([x, x[:, 0] + x[:, 1]])
    with pytest.raises(SightkitError, match=r"singular\. Received: rank='4 of 5'\. ") as caught:
        LinearRegression(way).fit(doubled, y)
    if way == "closed":
        assert "strength=0.001" in str(caught.value) and "columns [3]" in str(caught.value)
    # What the message advises is true.
    assert np.isfinite(LinearRegression(way, strength=0.001).fit(doubled, y).w).all()
    with pytest.raises(SightkitError, match="singular"):
        LinearRegression(way).fit(x[:3], y[:3])
    assert LinearRegression("gradient", rate=0.01).fit(doubled, y).path.shape == (1001, 5)


def test_separable_classes_have_no_best_weights():
    x, y = np.array([[-1.0], [1.0]]), [0, 1]
    with pytest.raises(SightkitError, match=r"singular.*L2 penalty"):
        LogisticRegression(strength=0).fit(x, y)
    assert LogisticRegression(strength=0.01).fit(x, y).predict(x).tolist() == y


def test_a_rate_that_is_too_high_is_told(numbers):
    with pytest.raises(SightkitError, match=r"infinite after step \d+.*rate=10.*rate=1, a tenth"):
        LinearRegression("gradient", rate=10.0).fit(*numbers)


def test_powers_fit_a_curve():
    x = np.linspace(-1, 1, 20)
    assert powers(np.array([2.0, 3.0]), 3).tolist() == [[2, 4, 8], [3, 9, 27]]
    y = 1 - 2 * x + 3 * x**3
    assert LinearRegression().fit(powers(x, 3), y).w == pytest.approx([1, -2, 0, 3])
