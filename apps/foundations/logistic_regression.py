"""Logistic regression: a line between two classes, and how sure one is on each side of it.

Linear regression with another loss, and no closed form: gradient descent takes hundreds of steps,
Newton a handful, because it knows how the loss bends.

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
from sightkit.apps.foundations.linear_regression import (
    LinearRegression,
    with_ones,
    without_intercept,
)
from sightkit.apps.foundations.losses import binary_cross_entropy
from sightkit.apps.foundations.optimizers import GradientDescent, Newton

Array = np.ndarray


class LogisticRegression(LinearRegression):
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

    ways = ("newton", "gradient")
    cost = staticmethod(binary_cross_entropy)

    def __init__(
        self, way: str = "newton", strength: float = 0.001, rate: float = 0.1, steps: int = 1000
    ) -> None:
        super().__init__(way, strength, rate, steps)

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

    def hessian(self, w: Array) -> Array:
        """Return the second derivatives (d + 1, d + 1): samples count by ŷ(1 − ŷ)."""
        p = sigmoid(self.x @ w)
        bend = np.diag(without_intercept(np.full(len(w), 2 * self.strength)))
        return self.x.T @ (self.x * (p * (1 - p))[:, None]) / len(self.x) + bend

    def predict_proba(self, x: Any) -> Array:
        """Return the probabilities (m, 2) of samples (m, d)."""
        p = sigmoid(super().predict(x))
        return np.column_stack([1 - p, p])

    def predict(self, x: Any) -> Array:
        """Return the likelier class: int64 (m,)."""
        return self.predict_proba(x).argmax(axis=1)
