"""Logistic regression: a line between two classes, and how sure one is on each side of it.

There is no closed form. Gradient descent takes hundreds of steps, Newton a handful, because it
knows how the loss bends.

Formula: docs/foundations.md#linear-and-logistic-regression.
Test: tests/apps/foundations/test_regression.py.
Picture: docs/foundations/regression.png, drawn by scripts/foundations/regression.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sightkit._errors import SightkitError
from sightkit.apps.foundations import arguments
from sightkit.apps.foundations.activations import sigmoid
from sightkit.apps.foundations.descent import descend
from sightkit.apps.foundations.learner import Learner
from sightkit.apps.foundations.linear_regression import with_ones, without_intercept
from sightkit.apps.foundations.losses import binary_cross_entropy, l2
from sightkit.apps.foundations.optimizers import GradientDescent, Newton

Array = np.ndarray
WAYS = ("newton", "gradient")


class LogisticRegression(Learner):
    """Fit P(1 given x) = sigmoid(w₀ + Xw) by the least mean cross-entropy plus λΣw² (without w₀).

    Args:
        way: ``"newton"`` or ``"gradient"``.
        strength: λ. Without it two classes that a line separates have no best weights: the longer
            they are, the smaller the loss.
        rate: of gradient descent.
        steps: at most; Newton stops when the loss no longer falls.

    Attributes:
        w: (d + 1,), the intercept first.
        path: (steps + 1, d + 1), all weights on the way there.
    """

    def __init__(
        self, way: str = "newton", strength: float = 0.001, rate: float = 0.1, steps: int = 1000
    ) -> None:
        arguments.above_zero(rate=rate)
        arguments.not_negative(strength=strength)
        arguments.counts(steps=steps)
        self.way, self.strength = arguments.choice("way", way, WAYS), strength
        self.rate, self.steps = rate, steps

    def fit(self, x: Any, y: Any) -> LogisticRegression:
        """Find the weights for samples (n, d) and labels (n,), each 0 or 1.

        Raises:
            SightkitError: more than two classes; or Newton meets a singular system.
        """
        self.x = with_ones(arguments.samples(x))
        self.y = arguments.labels(y, len(self.x))
        if self.y.max() != 1:
            raise SightkitError(
                "Logistic regression separates two classes, 0 and 1.",
                "Take LinearClassifier(loss='cross_entropy'), which takes any number.",
                classes=int(self.y.max()) + 1,
            )
        w = np.zeros(self.x.shape[1])
        if self.way == "gradient":
            self.path = descend(GradientDescent(self.rate), w, self.gradient, self.steps)
        else:
            self.path = self.by_newton(w)
        self.w = self.path[-1]
        return self

    def by_newton(self, w: Array) -> Array:
        """Return the path of Newton's steps, each halved until the loss falls."""
        path, method = [w], Newton(hessian=self.hessian)
        for _ in range(self.steps):
            step = method.step(path[-1], self.gradient) - path[-1]
            while self.loss(path[-1] + step) >= self.loss(path[-1]):
                step = step / 2
                if np.abs(step).max() < 1e-12:
                    return np.array(path)
            path.append(path[-1] + step)
        return np.array(path)

    def loss(self, w: Array) -> float:
        """Return the mean cross-entropy plus the penalty."""
        costs, _ = binary_cross_entropy(self.x @ w, self.y)
        return costs.mean() + self.strength * l2(without_intercept(w))[0]

    def gradient(self, w: Array) -> Array:
        """Return the gradient (d + 1,): (ŷ − y), carried back through A."""
        _, by_score = binary_cross_entropy(self.x @ w, self.y)
        return self.x.T @ by_score / len(self.y) + self.strength * l2(without_intercept(w))[1]

    def hessian(self, w: Array) -> Array:
        """Return the second derivatives (d + 1, d + 1): samples count by ŷ(1 − ŷ)."""
        p = sigmoid(self.x @ w)
        bend = np.diag(without_intercept(np.full(len(w), 2 * self.strength)))
        return self.x.T @ (self.x * (p * (1 - p))[:, None]) / len(self.x) + bend

    def predict_proba(self, x: Any) -> Array:
        """Return the probabilities (m, 2) of samples (m, d)."""
        p = sigmoid(with_ones(arguments.samples(x, len(self.w) - 1)) @ self.w)
        return np.column_stack([1 - p, p])

    def predict(self, x: Any) -> Array:
        """Return the likelier class: int64 (m,)."""
        return self.predict_proba(x).argmax(axis=1)
