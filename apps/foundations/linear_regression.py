"""Linear regression, three ways to the same weights: closed form, gradient descent, Newton.

Formula: docs/foundations.md#linear-and-logistic-regression.
Test: tests/apps/foundations/test_regression.py.
Picture: docs/foundations/regression.png, drawn by scripts/foundations/regression.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sightkit.apps.foundations import arguments, shapes
from sightkit.apps.foundations.descent import descend
from sightkit.apps.foundations.learner import Learner
from sightkit.apps.foundations.losses import l2, squared_error
from sightkit.apps.foundations.optimizers import GradientDescent, Newton

Array = np.ndarray


def with_ones(x: Array) -> Array:
    """Put a column of ones before the features: its weight is the intercept."""
    return np.column_stack([np.ones(len(x)), x])


def without_intercept(w: Array) -> Array:
    """Return the weights with a 0 for the intercept, which no penalty should pull at."""
    return np.concatenate([[0.0], w[1:]])


def powers(x: Array, degree: int) -> Array:
    """Return x, x², … of numbers (n,): (n, degree). With them a line fits curves."""
    shapes.check(x=(x, "N"))
    return x[:, None] ** np.arange(1, degree + 1)


class LinearRegression(Learner):
    """Fit y ≈ w₀ + Xw by the least mean squared error, plus λΣw² (without w₀).

    Args:
        way: ``"closed"`` solves (XᵀX/n + λI) w = Xᵀy/n; ``"gradient"`` goes downhill; ``"newton"``
            jumps, once, because the loss is a quadratic.
        strength: λ of the penalty; 0 for none.
        rate: of gradient descent.
        steps: of gradient descent.

    Attributes:
        w: (d + 1,), the intercept first.
        path: (steps + 1, d + 1), all weights on the way there.
    """

    ways: tuple[str, ...] = ("closed", "gradient", "newton")
    cost = staticmethod(squared_error)

    def __init__(
        self, way: str = "closed", strength: float = 0.0, rate: float = 0.1, steps: int = 1000
    ) -> None:
        arguments.above_zero(rate=rate)
        arguments.not_negative(strength=strength)
        arguments.counts(steps=steps)
        self.way, self.strength = arguments.choice("way", way, self.ways), strength
        self.rate, self.steps = rate, steps

    def fit(self, x: Any, y: Any) -> LinearRegression:
        """Find the weights for samples (n, d) and numbers (n,).

        Raises:
            SightkitError: the closed form or Newton meets a singular system.
        """
        self.x = with_ones(arguments.samples(x))
        self.y = arguments.targets(y, len(self.x))
        w = np.zeros(self.x.shape[1])
        if self.way == "closed":
            self.path = np.array([w, self.closed_form()])
        elif self.way == "newton":
            self.path = descend(Newton(hessian=self.hessian), w, self.gradient, 1)
        else:
            self.path = descend(GradientDescent(self.rate), w, self.gradient, self.steps)
        self.w = self.path[-1]
        return self

    def closed_form(self) -> Array:
        """Return the weights where the gradient is zero."""
        # 2 of the square's derivative is on both sides.
        advice = (
            "Give strength=0.001 (then it has a solution), more samples than features, or leave "
            f"out the features that others add up to{self.dependent()}."
        )
        return arguments.solve(self.hessian(self.y) / 2, self.x.T @ self.y / len(self.y), advice)

    def dependent(self) -> str:
        """Name the columns of x that are sums of multiples of those before them."""
        ranks = [np.linalg.matrix_rank(self.x[:, : k + 1]) for k in range(self.x.shape[1])]
        found = [k - 1 for k in range(1, len(ranks)) if ranks[k] == ranks[k - 1]]
        return f", here columns {found[:10]}" if found else ""

    def loss(self, w: Array) -> float:
        """Return the mean squared error plus the penalty."""
        costs, _ = self.cost(self.x @ w, self.y)
        return costs.mean() + self.strength * l2(without_intercept(w))[0]

    def gradient(self, w: Array) -> Array:
        """Return the gradient (d + 1,): the errors' own, carried back through A."""
        _, by_score = self.cost(self.x @ w, self.y)
        return self.x.T @ by_score / len(self.y) + self.strength * l2(without_intercept(w))[1]

    def hessian(self, w: Array) -> Array:
        """Return the second derivatives (d + 1, d + 1), the same everywhere."""
        bend = np.diag(without_intercept(np.ones(self.x.shape[1])))
        return 2 * (self.x.T @ self.x / len(self.x) + self.strength * bend)

    def predict(self, x: Any) -> Array:
        """Return the numbers (m,) of samples (m, d)."""
        return with_ones(arguments.samples(x, len(self.w) - 1)) @ self.w
