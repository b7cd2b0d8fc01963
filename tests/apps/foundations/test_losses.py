"""Losses and penalties: their values, and their gradients by two other ways."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from sightkit._errors import SightkitError
from sightkit.apps.foundations import (
    LOSSES,
    PENALTIES,
    binary_cross_entropy,
    cross_entropy,
    elastic_net,
    hinge,
    l1,
    l2,
    squared_error,
    squared_hinge,
)
from sightkit.apps.foundations.activations import sigmoid, softmax

LABELS = np.array([2, 0, 1, 2, 3])
UNEVEN = np.array([0.3, -1.7, 2.2, 0.9, -0.4])
"""Upstream weights of the samples."""


@pytest.fixture
def scores(rng):
    return rng.normal(0, 2, (5, 4))


def by_keras(name, scores):
    right = ops.sum(scores * ops.one_hot(LABELS, 4, dtype="float64"), axis=1, keepdims=True)
    if name == "cross_entropy":
        return ops.logsumexp(scores, axis=1) - right[:, 0]
    above = ops.relu(scores - right + 1)
    return ops.sum(above if name == "hinge" else above**2, axis=1) - 1  # j = y costs 1


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_has_its_gradient(name, scores, finite_differences, keras_gradient):
    costs, gradient = LOSSES[name](scores, LABELS)
    assert costs.shape == (5,) and gradient.shape == (5, 4)
    assert costs == pytest.approx(ops.convert_to_numpy(by_keras(name, ops.array(scores))))
    gradient = UNEVEN[:, None] * gradient
    numeric = finite_differences(lambda s: UNEVEN @ LOSSES[name](s, LABELS)[0], scores)
    assert gradient == pytest.approx(numeric, abs=1e-7)
    automatic = keras_gradient(lambda s: ops.sum(UNEVEN * by_keras(name, s)), scores)
    assert gradient == pytest.approx(automatic, abs=1e-12)


@pytest.mark.parametrize("loss", (binary_cross_entropy, squared_error))
def test_a_loss_of_one_column_has_its_gradient(loss, rng, finite_differences, keras_gradient):
    scores, truth = rng.normal(0, 3, 5), np.array([0, 1, 1, 0, 1])
    gradient = UNEVEN * loss(scores, truth)[1]
    numeric = finite_differences(lambda s: UNEVEN @ loss(s, truth)[0], scores)
    assert gradient == pytest.approx(numeric, abs=1e-6)

    def automatic(s):
        if loss is squared_error:
            return ops.sum(UNEVEN * (s - truth) ** 2)
        each = keras.losses.binary_crossentropy(truth[:, None], s[:, None], from_logits=True)
        return ops.sum(UNEVEN * each)

    assert gradient == pytest.approx(keras_gradient(automatic, scores), abs=1e-12)


@pytest.mark.parametrize("name", PENALTIES)
def test_a_penalty_has_its_gradient(name, rng, finite_differences):
    weights = rng.normal(size=(3, 2))
    value, gradient = PENALTIES[name](weights)
    assert np.isfinite(value)
    numeric = finite_differences(lambda w: PENALTIES[name](w)[0], weights)
    assert gradient == pytest.approx(numeric, abs=1e-8)


def test_hinges_are_those_of_the_notes():
    """3.2 below 5.1: 2.9; 3.2 above −1.7 by more than 1: nothing. Squared: 2.9² = 8.41."""
    scores = np.array([[3.2, 5.1, -1.7]])
    assert hinge(scores, np.array([0]))[0] == pytest.approx([2.9])
    assert squared_hinge(scores, np.array([0]))[0] == pytest.approx([8.41])
    # The square without brackets would count the class that is far below too: (−3.9)².
    assert squared_hinge(scores, np.array([0]))[0] != pytest.approx([8.41 + 3.9**2])


@pytest.mark.parametrize(
    ("probabilities", "cost"), (((0.2, 0.3, 0.5), 1.2), ((0.3, 0.5, 0.2), 0.69))
)
def test_cross_entropy_is_that_of_the_notes(probabilities, cost):
    costs, _ = cross_entropy(np.log([probabilities]), np.array([1]))
    assert costs == pytest.approx([cost], abs=0.005)


def test_nothing_overflows():
    huge = np.array([[1e4, -1e4, 0.0]])
    costs, gradient = cross_entropy(huge, np.array([1]))
    assert costs == pytest.approx([2e4]) and np.isfinite(gradient).all()
    assert softmax(huge) == pytest.approx(np.array([[1.0, 0.0, 0.0]]))
    assert sigmoid(np.array([-1e4, 0, 1e4])).tolist() == [0, 0.5, 1]
    assert binary_cross_entropy(np.array([1e4]), np.array([0]))[0] == pytest.approx([1e4])


def test_elastic_net_is_between_both():
    weights = np.array([[3.0, -4.0]])
    assert (l2(weights)[0], l1(weights)[0]) == (25, 7)
    assert elastic_net(weights)[0] == 16 and elastic_net(weights, 1, 0)[0] == 25
    assert elastic_net(weights, 0.1, 2.0)[0] == pytest.approx(16.5)


def test_the_penalty_as_one_of_the_notes_writes_it_would_not_shrink():
    """w − αλR(w) moves both weights down; w − αλ∇R moves both toward 0."""
    weights = np.array([2.0, -2.0])
    value, gradient = l2(weights)
    assert (weights - 0.1 * value).tolist() == pytest.approx([1.2, -2.8])
    assert (weights - 0.1 * gradient).tolist() == pytest.approx([1.6, -1.6])


@pytest.mark.parametrize("loss", (cross_entropy, hinge, squared_hinge))
@pytest.mark.parametrize(
    "labels", ([2, 0, 1, 2, 4], [2, 0, 1, 2, -1], [2.0, 0, 1, 2, 3], [2, 0], [[2, 0, 1, 2, 3]])
)
def test_labels_that_are_no_columns_are_refused(loss, labels, scores):
    with pytest.raises(SightkitError, match=r"Labels must be .* 0 to 3,|labels \(N\)"):
        loss(scores, np.array(labels))
    with pytest.raises(SightkitError, match=r"scores=\(5,\)"):
        loss(scores[:, 0], LABELS)
