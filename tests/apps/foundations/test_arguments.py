"""What the programs refuse, and with what advice."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.apps import foundations as f

RNG = np.random.default_rng(0)
X, Y = np.arange(12.0).reshape(6, 2) ** 1.5, np.array([0, 0, 0, 1, 1, 1])
CLASSIFIERS = (
    f.NearestNeighbours,
    f.ApproximateNeighbours,
    f.NearestMean,
    f.LogisticRegression,
    f.LinearClassifier,
    lambda: f.GaussianClassifier("diagonal"),
)


@pytest.mark.parametrize("make", CLASSIFIERS)
@pytest.mark.parametrize(
    "labels", ([0, 0, 0, 2, 2, 2], [1, 1, 1, 2, 2, 2], list("aaabbb"), [0, 1], [-1, 0, 0, 1, 1, 1])
)
def test_labels_must_count_from_zero(make, labels):
    with pytest.raises(SightkitError, match=r"Labels must be 0 … K-1.*return_inverse"):
        make().fit(X, labels)


@pytest.mark.parametrize("make", (*CLASSIFIERS, f.LinearRegression))
def test_features_must_be_those_of_the_training(make):
    model = make().fit(X + np.eye(6, 2), Y)
    assert model.predict(X).shape == (6,)
    with pytest.raises(SightkitError, match=r"the 2 features of the training\..* features=3"):
        model.predict(np.ones((4, 3)))
    for bad in (np.ones(2), np.full((1, 2), np.nan), np.ones((0, 2)), np.ones((1, 1, 2))):
        with pytest.raises(SightkitError, match="finite numbers, a row a sample"):
            model.predict(bad)
        with pytest.raises(SightkitError, match="finite numbers, a row a sample"):
            make().fit(bad, Y)


def test_labels_may_be_floats_and_strings_of_pixels_may_not():
    assert f.NearestMean().fit(X, Y.astype(float)).predict(X).dtype == np.int64


@pytest.mark.parametrize(
    ("make", "message"),
    (
        (lambda: f.NearestNeighbours(7).fit(X, Y), r"k must be at most .* 6\. Received: k=7"),
        (lambda: f.ApproximateNeighbours(7).fit(X, Y), "k must be at most"),
        (lambda: f.NearestNeighbours(0), "k must be a whole number, 1 at least"),
        (lambda: f.NearestNeighbours(1.5), "k must be a whole number"),
        (lambda: f.NearestNeighbours(2.0), "k must be a whole number"),
        (lambda: f.NearestNeighbours("3"), r"k must be a whole number.* Received: k='3'\."),
        (lambda: f.NearestNeighbours(None), "k must be a whole number"),
        (lambda: f.optimizer("adam", rate="0.1"), "rate must be a number above 0"),
        (lambda: f.NearestMean().fit([["a", "b"]] * 6, Y), "Samples must be finite numbers"),
        (lambda: f.NearestMean().fit([[1, 2], [3]], [0, 1]), "Samples must be finite numbers"),
        (lambda: f.NearestMean().fit(X, [None, 1] * 3), "Labels must be 0 … K-1"),
        (lambda: f.NearestMean().fit(X, [[0], [1, 2]] * 3), "Labels must be 0 … K-1"),
        (lambda: f.LinearRegression().fit(X, list("abcdef")), r"Targets .*finite=False"),
        (lambda: f.LinearClassifier(steps=0), "steps must be a whole number"),
        (lambda: f.LogisticRegression(steps=-1), "steps must be a whole number"),
        (lambda: f.NearestNeighbours(1, "l2"), r"one of L1, L2\..*norm='l2'.*Perhaps it is L2"),
        (lambda: f.NearestMean("L3"), "one of L1, L2"),
        (lambda: f.LinearClassifier("hinges"), r"loss='hinges'. Perhaps it is hinge\."),
        (lambda: f.LinearClassifier("squared_hing"), "Perhaps it is squared_hinge"),
        (lambda: f.LinearClassifier(penalty="l1"), "Perhaps it is L1"),
        (lambda: f.LinearClassifier(method="adm"), "Perhaps it is adam"),
        (lambda: f.LinearClassifier(method="newton"), "method must be one of"),
        (lambda: f.LinearClassifier(rate=-0.1), r"rate must be a number above 0.*rate=-0\.1"),
        (lambda: f.LinearClassifier(strength=-1), "strength must not be negative"),
        (lambda: f.LinearClassifier(batch_size=0).fit(X, Y), "size must be a whole number"),
        (lambda: f.LinearRegression("close"), "Perhaps it is closed"),
        (lambda: f.LinearRegression(strength=-1.0), "strength must not be negative"),
        (lambda: f.LinearRegression(rate=0.0), "rate must be a number above 0"),
        (lambda: f.LinearRegression().fit(X, Y[:3]), "one for each of 6 samples"),
        (lambda: f.LogisticRegression("newtn"), "Perhaps it is newton"),
        (lambda: f.LogisticRegression(rate=float("nan")), "rate must be a number above 0"),
        (lambda: f.LogisticRegression().fit(X, [0, 1, 2, 0, 1, 2]), "separates two classes"),
        (lambda: f.GaussianClassifier("diag"), "Perhaps it is diagonal"),
        (lambda: f.GaussianClassifier(smoothing=-1), "smoothing must not be negative"),
        (lambda: f.optimizer("sgd_momentum"), "Perhaps it is momentum"),
        (lambda: f.optimizer("adam", rate=-1.0), "rate must be a number above 0"),
        (lambda: f.optimizer("adam", form="tf"), "form must be one of notes, paper, keras"),
        (lambda: f.optimizer("adam", beta1=1.0), "beta1 must be at least 0 and below 1"),
        (lambda: f.optimizer("momentum", momentum=-0.1), "momentum must be at least 0"),
        (lambda: f.optimizer("adam", lr=1), "'lr'.*It takes rate, form, beta1, beta2"),
        (lambda: f.optimizer("adam", rat=1.0), r"Write Adam\(rate=1\.0\)"),
        (lambda: f.NeuralNetwork.dense((2, 1), lr=1), "It takes sizes, activation, output"),
        (lambda: f.regressor("forest"), "name must be one of small_tree"),
        (lambda: f.regressor("bagging", members=0), "members must be a whole number"),
    ),
)
def test_bad_arguments_are_one_line(make, message):
    with pytest.raises(SightkitError, match=message):
        make()


@pytest.mark.parametrize(
    ("call", "message"),
    (
        (lambda: f.nearest(np.ones((1, 2, 2, 1)), 0), "factor must be a whole number"),
        (lambda: f.bed_of_nails(np.ones((1, 2, 2, 1)), 0), "factor must be a whole number"),
        (lambda: f.learning_curves({"mean": f.NearestMean}, X, Y, []), "Sizes must be from 2"),
        (
            lambda: f.learning_curves({"mean": f.NearestMean}, X, [0, 0, 0, 0, 0, 1], [2, 3]),
            r"Each class must have a sample .*samples=\[5 1\]",
        ),
        (
            lambda: f.NeuralNetwork.dense((2, 2)).fit(X * np.nan, Y, 1),
            "infinite after epoch 1: the rate is too high, or data are nan",
        ),
    ),
)
def test_functions_refuse_what_has_no_answer(call, message):
    with pytest.raises(SightkitError, match=message):
        call()


@pytest.mark.parametrize("make", (*CLASSIFIERS, f.LinearRegression))
def test_a_model_that_learned_nothing_says_so(make):
    for ask in (lambda model: model.predict(X), lambda model: model.weights):
        with pytest.raises(SightkitError, match=r"there after fit\(x, y\)\. (Call|Perhaps)"):
            ask(make())
    assert not hasattr(make(), "w") and copy.deepcopy(make())
    with pytest.raises(SightkitError, match=r"has no predic.*Perhaps it is predict"):
        make().predic(X)


@pytest.mark.parametrize("layer", (f.Dense(2, 1, RNG), f.Activation("relu"), f.Dropout(0.5, RNG)))
def test_a_layer_that_saw_nothing_says_so(layer):
    with pytest.raises(SightkitError, match=r"Call forward\(x, training=True\) first"):
        layer.backward(np.ones((1, 1)))
