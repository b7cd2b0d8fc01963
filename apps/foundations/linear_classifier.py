"""A linear classifier: a template a class, scores = Xᵀtemplate + bias, any loss, any penalty.

Formula: docs/foundations.md#linear-classifiers.
Test: tests/apps/foundations/test_linear_classifier.py.
Picture: docs/foundations/linear.png, drawn by scripts/foundations/linear.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sightkit.apps.foundations import arguments
from sightkit.apps.foundations.descent import OPTIMIZERS, batches, descend, optimizer
from sightkit.apps.foundations.learner import Learner
from sightkit.apps.foundations.linear_regression import with_ones
from sightkit.apps.foundations.losses import LOSSES, PENALTIES

Array = np.ndarray
METHODS = [name for name in OPTIMIZERS if name != "newton"]  # it needs a Hessian


class LinearClassifier(Learner):
    """Fit a linear classifier of K classes.

    Args:
        loss: ``"hinge"``, ``"squared_hinge"`` or ``"cross_entropy"``.
        penalty: of the weights without the biases: ``"none"``, ``"L2"``, ``"L1"`` or
            ``"elastic_net"``.
        strength: λ of the penalty.
        method: name of an optimizer, any but Newton's.
        rate: its learning rate.
        steps: how many batches it sees.
        batch_size: samples behind each step; None for all where they are fewer than 2,000.
        seed: of the order of the samples.

    Attributes:
        w: (d + 1, K), the biases in the first row.
    """

    def __init__(
        self, loss: str = "cross_entropy", penalty: str = "L2", strength: float = 1e-3, *,
        method: str = "adam", rate: float = 0.01, steps: int = 500, batch_size: int | None = None,
        seed: int = 0,
    ) -> None:  # fmt: skip
        self.loss_of = LOSSES[arguments.choice("loss", loss, LOSSES)]
        self.penalty_of = PENALTIES[arguments.choice("penalty", penalty, PENALTIES)]
        arguments.not_negative(strength=strength)
        arguments.counts(steps=steps)
        self.strength, self.steps, self.batch_size, self.seed = strength, steps, batch_size, seed
        arguments.choice("method", method, METHODS)
        self.optimizer = lambda: optimizer(method, rate=rate)
        self.optimizer()  # a bad rate is refused here

    def fit(self, x: Any, y: Any) -> LinearClassifier:
        """Find the weights for samples (n, d) and labels (n,), 0 … K−1."""
        x = with_ones(arguments.samples(x))
        y = arguments.labels(y, len(x))
        drawn = batches(len(x), self.batch_size, np.random.default_rng(self.seed))

        def gradient(w: Array) -> Array:
            rows = next(drawn)
            return self.loss_and_gradient(w, x[rows], y[rows])[1]

        start = np.zeros((x.shape[1], y.max() + 1))
        self.w = descend(self.optimizer(), start, gradient, self.steps)[-1]
        return self

    def loss_and_gradient(self, w: Array, x: Array, y: Array) -> tuple[float, Array]:
        """Return mean loss + λ penalty, and its gradient, of weights (d + 1, K).

        Args:
            w: weights, the biases in the first row.
            x: samples with a one before the features, (n, d + 1).
            y: labels (n,).
        """
        costs, by_score = self.loss_of(x @ w, y)
        value, by_weight = self.penalty_of(w[1:])
        gradient = x.T @ by_score / len(x)
        gradient[1:] += self.strength * by_weight
        return costs.mean() + self.strength * value, gradient

    def scores(self, x: Any) -> Array:
        """Return the scores (m, K) of samples (m, d)."""
        return with_ones(arguments.samples(x, len(self.w) - 1)) @ self.w

    def predict(self, x: Any) -> Array:
        """Return the class of the highest score: int64 (m,)."""
        return self.scores(x).argmax(axis=1)
