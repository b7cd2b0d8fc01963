"""A perceptron learns what a line separates, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.apps.foundations import Perceptron

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("gate", ((0, 0, 0, 1), (0, 1, 1, 1), (1, 1, 1, 0)))
def test_perceptron_learns_and_or_nand(gate, seed):
    neuron = Perceptron(2, seed=seed)
    mistakes = neuron.fit(X, gate)
    assert mistakes[-1] == 0 and neuron.predict(X).tolist() == list(gate)


def test_perceptron_never_learns_xor():
    mistakes = Perceptron(2).fit(X, [0, 1, 1, 0], epochs=300)
    assert len(mistakes) == 300 and min(mistakes) > 0


def test_a_step_is_the_formulas():
    neuron = Perceptron(2, rate=0.5)
    neuron.weights[:], neuron.bias = (1.0, -1.0), 0.25
    neuron.fit(np.array([[2.0, 1.0]]), [0], epochs=1)  # the sum is 1.25: a mistake
    assert (*neuron.weights, neuron.bias) == (0.0, -1.5, -0.25)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    (
        ([[0, 0, 1]], [1], r"Received: x=\(1, 3\)"),
        ([[0, 0]], [1, 1], r"y=\(2,\)"),
        ([[0, 0]], [2], "Classes are 0 and 1"),
        ([[0, 0]], [-1], "Classes are 0 and 1"),
    ),
)
def test_perceptron_refuses_what_does_not_fit(x, y, message):
    with pytest.raises(SightkitError, match=message):
        Perceptron(2).fit(x, y)


@pytest.mark.parametrize(
    ("call", "message"),
    (
        (lambda: Perceptron(0), "inputs must be a whole number"),
        (lambda: Perceptron(2, rate=0), "rate must be a number above 0"),
        (lambda: Perceptron(2, rate=-1), "rate must be a number above 0"),
        (lambda: Perceptron(2).fit(X, [0, 0, 0, 1], epochs=0), "epochs must be a whole number"),
        (lambda: Perceptron(2).fit(np.zeros((0, 2)), []), "Samples must be finite numbers"),
        (lambda: Perceptron(2).fit([[0, np.nan]], [1]), "Samples must be finite numbers"),
        (lambda: Perceptron(2).predict(np.ones((4, 3))), "2 features of the training"),
    ),
)
def test_perceptron_refuses_bad_arguments(call, message):
    with pytest.raises(SightkitError, match=message):
        call()
