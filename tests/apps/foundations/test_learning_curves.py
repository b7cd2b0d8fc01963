"""Learning curves of a generative and a discriminative classifier, and where they cross."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer

from sightkit._errors import SightkitError
from sightkit.apps.foundations import (
    GaussianClassifier,
    LogisticRegression,
    crossing,
    learning_curves,
)

MODELS = {
    "generative": lambda: GaussianClassifier("shared_diagonal", smoothing=0.01),
    "discriminative": lambda: LogisticRegression(strength=1e-5),
}


@pytest.fixture(scope="module")
def tumours():
    """Two classes whose 30 features depend on each other: naive Bayes is wrong in the end."""
    x, y = load_breast_cancer(return_X_y=True)
    return (x - x.mean(axis=0)) / x.std(axis=0), y


def test_the_generative_one_learns_sooner_and_the_other_ends_better(tumours):
    sizes = (8, 128, 384)
    found = learning_curves(MODELS, *tumours, sizes, repeats=30)
    ahead = (found["discriminative"] - found["generative"]).mean(axis=0)
    assert ahead[0] < -0.005 and ahead[1] > 0.005 and ahead[2] > 0.01
    assert 8 < crossing(found["generative"], found["discriminative"], sizes) < 128


def test_every_model_learns_from_the_same_samples(tumours):
    seen = {"a": [], "b": []}

    class Spy:
        def __init__(self, name):
            self.name = name

        def fit(self, x, y):
            seen[self.name].append(x.tobytes() + y.tobytes())
            assert set(y) == {0, 1}
            return self

        def predict(self, x):
            return np.zeros(len(x), int)

    models = {name: lambda name=name: Spy(name) for name in seen}
    found = learning_curves(models, *tumours, (2, 10), repeats=3)
    assert seen["a"] == seen["b"] and len(set(seen["a"])) == 6
    assert found["a"].shape == (3, 2) and np.array_equal(found["a"], found["b"])


@pytest.mark.parametrize(
    ("first", "second", "place"),
    (
        ([0.8, 0.8, 0.8], [0.7, 0.75, 0.9], 20 + 1 / 3 * 20),
        ([0.8, 0.8, 0.8], [0.9, 0.9, 0.9], 10),
        ([0.8, 0.8, 0.8], [0.9, 0.9, 0.7], None),
        ([0.8, 0.8, 0.8], [0.9, 0.7, 0.9], 30),
    ),
)
def test_crossing_is_the_last_place_where_the_second_overtakes(first, second, place):
    found = crossing(np.array([first]), np.array([second]), (10, 20, 40))
    assert found == (place if place is None else pytest.approx(place))


@pytest.mark.parametrize("sizes", ((1, 10), (10, 5000)))
def test_sizes_that_cannot_be_are_refused(sizes, tumours):
    with pytest.raises(SightkitError, match=r"Sizes must be from 2.*to 398"):
        learning_curves(MODELS, *tumours, sizes)
