"""Linear heads fitted to their optimum: L-BFGS on several folds at once.

For each fold f: ½ Σ pⱼ wⱼ² + C Σᵢ loss(yᵢ, wᵀzᵢ + b) over its training samples, which is what
scikit-learn's LogisticRegression minimises. The intercept is not penalised.

Folds share one matrix Z, standardized over all samples. Standardization fitted on a fold's own
training samples is then exact too: its mean is taken up by the intercept, and its scale sₓ by the
penalty pⱼ = (sₓⱼ / sⱼ)², since the weights of a rescaled feature are rescaled.

The variables are those in which the Hessian is about one: v = Lᵀw with L Lᵀ = 1 + C·h·ZᵀZ and h
the loss's mean curvature where the search begins. That and the start from the next smaller C take
a third of the passes over the data that a cold start takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import minimize

from sightkit.transfer.heads.losses import Loss

MOST_DIMENSIONS = 6000
"""Up to which the Gram matrix of the features is made: it takes n·d² operations and d² numbers."""
SAME_FACTOR = 2.0
ITERATIONS = 1000
MEMORY = 6


class Rows(Protocol):
    """Standardized features of all samples, in blocks."""

    @property
    def shape(self) -> tuple[int, int]:
        """(n, d)."""
        ...

    def blocks(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Positions, and float32 (m, d)."""
        ...


@dataclass(frozen=True)
class Matrix:
    """Rows in memory: (n, d)."""

    values: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        """(n, d)."""
        return self.values.shape  # type: ignore[return-value]

    def blocks(self) -> Iterator[tuple[slice, np.ndarray]]:
        """One block."""
        yield slice(0, len(self.values)), self.values


@dataclass
class Solution:
    """Weights (d, F, k) and intercepts (F, k), with what reaching them took.

    Attributes:
        evaluations: passes over the data.
        gradient: the largest entry of the gradient of a fold's mean loss.
        curvature: of the loss there, the mean over training samples; None where it is unknown.
    """

    weights: np.ndarray
    intercepts: np.ndarray
    evaluations: int = 0
    gradient: float = np.inf
    curvature: float | None = None


class Solver:
    """Solves for one C after another, each from the solution before.

    Args:
        rows: standardized features.
        loss: of the scores.
        mask: float32 (n, F): 1 where a sample is a fold's training sample.
        penalty: float32 (d, F); all ones when left out.
    """

    def __init__(
        self, rows: Rows, loss: Loss, mask: np.ndarray, penalty: np.ndarray | None = None
    ) -> None:
        self.rows = rows
        self.loss = loss
        self.mask = mask
        dimensions, folds = rows.shape[1], mask.shape[1]
        self.penalty = np.ones((dimensions, folds), np.float32) if penalty is None else penalty
        self.gram: np.ndarray | None = None
        self._factored: tuple[float, np.ndarray] | None = None

    def begin(self) -> Solution:
        """Weights of zero."""
        shape = (self.rows.shape[1], self.mask.shape[1], self.loss.columns)
        return Solution(np.zeros(shape, np.float32), self.loss.start(self.mask))

    def solve(self, strength: float, start: Solution, *, tolerance: float) -> Solution:
        """The optimum for a C.

        Args:
            strength: C.
            start: where the search begins.
            tolerance: of the gradient of the mean loss, largest entry.
        """
        counts = self.mask.sum(axis=0, dtype=np.float64)
        scale = 1 / (strength * counts)
        curvature = start.curvature
        if curvature is None:
            curvature = self._pass(start.weights, start.intercepts)[3] / counts.sum()
        curvature = max(curvature, 1e-4)
        factor = self._factor(strength * curvature * counts.mean() / self.rows.shape[0])
        unit = 1 / np.sqrt(strength * curvature * counts)[:, np.newaxis]
        shape = start.weights.shape
        size = start.weights.size
        found = Solution(start.weights, start.intercepts)

        def evaluate(variables: np.ndarray) -> tuple[float, np.ndarray]:
            v = variables[:size].astype(np.float32).reshape(shape[0], -1)
            weights = _forward(factor, v).reshape(shape)
            intercepts = variables[size:].reshape(unit.shape[0], -1) * unit
            losses, slopes, sums, bend = self._pass(weights, intercepts)
            penalised = self.penalty[:, :, np.newaxis] * weights
            gradient = (penalised + strength * slopes) * scale[:, np.newaxis]
            length = (penalised * weights).sum(axis=(0, 2), dtype=np.float64)
            value = float((scale * (length / 2 + strength * losses)).sum())
            of_intercepts = strength * sums * scale[:, np.newaxis]
            found.weights, found.intercepts = weights, intercepts
            found.curvature = bend / counts.sum()
            found.evaluations += 1
            found.gradient = max(float(np.abs(gradient).max()), float(np.abs(of_intercepts).max()))
            inner = _backward(factor, gradient.astype(np.float32).reshape(shape[0], -1))
            return value, np.concatenate([inner.ravel(), (of_intercepts * unit).ravel()]).astype(
                np.float64
            )

        def stop(_: np.ndarray) -> None:
            if found.gradient < tolerance:
                raise StopIteration

        v = _inverse(factor, start.weights.reshape(shape[0], -1))
        minimize(
            evaluate,
            np.concatenate([v.ravel(), (start.intercepts / unit).ravel()]).astype(np.float64),
            jac=True,
            method="L-BFGS-B",
            callback=stop,
            options={"maxiter": ITERATIONS, "gtol": 0.0, "ftol": 1e-12, "maxcor": MEMORY},
        )
        return found

    def scores(self, solution: Solution) -> np.ndarray:
        """Scores of all samples, also those that a fold did not train on: float32 (n, F, k)."""
        shape = solution.weights.shape
        flat = solution.weights.reshape(shape[0], -1)
        parts = [(block @ flat).reshape(-1, *shape[1:]) for _, block in self.rows.blocks()]
        return np.concatenate(parts) + solution.intercepts.astype(np.float32)

    def _pass(
        self, weights: np.ndarray, intercepts: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        """Losses (F,), gradients (d, F, k) and (F, k), curvature: in one pass over the data."""
        shape = weights.shape
        flat = weights.reshape(shape[0], -1)
        losses, bend = np.zeros(shape[1]), 0.0
        slopes = np.zeros((shape[0], shape[1] * shape[2]), np.float32)
        sums = np.zeros(shape[1:])
        for part, block in self.rows.blocks():
            scores = (block @ flat).reshape(-1, *shape[1:]) + intercepts.astype(np.float32)
            value, slope, second = self.loss.value(part, scores, self.mask[part])
            losses += value
            bend += second
            slopes += block.T @ slope.reshape(len(slope), -1)
            sums += slope.sum(axis=0, dtype=np.float64)
        return losses, slopes.reshape(shape), sums, bend

    def _factor(self, strength: float) -> np.ndarray:
        """L of 1 + strength · ZᵀZ; of its diagonal where there are too many dimensions.

        That of a strength nearby will do: it moves no optimum.
        """
        if self._factored and 1 / SAME_FACTOR < strength / self._factored[0] < SAME_FACTOR:
            return self._factored[1]
        self._factored = (strength, self._new_factor(strength))
        return self._factored[1]

    def _new_factor(self, strength: float) -> np.ndarray:
        dimensions = self.rows.shape[1]
        if self.gram is None:
            full = dimensions <= MOST_DIMENSIONS
            gram = np.zeros((dimensions, dimensions) if full else dimensions, np.float32)
            for _, block in self.rows.blocks():
                gram += block.T @ block if full else np.square(block).sum(axis=0)
            self.gram = gram
        inner = np.float32(strength) * np.asarray(self.gram)
        if inner.ndim == 1:
            return np.sqrt(1 + inner)
        inner[np.diag_indices(dimensions)] += 1
        return cholesky(inner, lower=True, overwrite_a=True, check_finite=False)


def _forward(factor: np.ndarray, v: np.ndarray) -> np.ndarray:
    """From the search's variables to weights."""
    if factor.ndim == 1:
        return v / factor[:, np.newaxis]
    return solve_triangular(factor, v, lower=True, trans="T", check_finite=False)


def _backward(factor: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """From the gradient by weights to that by the search's variables."""
    if factor.ndim == 1:
        return gradient / factor[:, np.newaxis]
    return solve_triangular(factor, gradient, lower=True, check_finite=False)


def _inverse(factor: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """From weights to the search's variables."""
    return weights * factor[:, np.newaxis] if factor.ndim == 1 else factor.T @ weights
