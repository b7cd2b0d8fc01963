"""Standardized features; training rows in their own span where they are fewer than those."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgError, cholesky, solve_triangular

NOISE = 10 * float(np.finfo(np.float32).eps)
"""Share of a value that float32 rounds away: a feature that varies by less is constant."""
GRAM_NOISE = 1e-10
"""Share of the Gram matrix' trace added to its diagonal, about what rounding makes of it."""
COLUMNS = 1024
"""Features at once: so many columns of a few thousand samples stay in the processor's cache."""


@dataclass(frozen=True)
class Scaling:
    """Mean and standard deviation, float64 (d,); constant features have a scale of 1.

    Both are rounded to float32, so that rows standardized in float32, and weights brought back in
    float64, use the same scaling. scikit-learn's StandardScaler squares float32 in float32, where
    features of 1e20 overflow and those of 1e-25 vanish.
    """

    mean: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray) -> Scaling:
        """Fit on rows (n, d)."""
        mean, deviation = np.empty((2, values.shape[1]))
        for columns in parts_of(values.shape[1]):
            part = values[:, columns].astype(np.float64)
            mean[columns], deviation[columns] = part.mean(axis=0), part.std(axis=0)
        scale = np.where(deviation <= NOISE * np.abs(mean), 1.0, deviation)
        return cls(*(each.astype(np.float32).astype(np.float64) for each in (mean, scale)))


def parts_of(dimensions: int) -> list[slice]:
    """Return slices of features, ``COLUMNS`` at once."""
    return [slice(start, start + COLUMNS) for start in range(0, dimensions, COLUMNS)]


class Span:
    """Rows to fit a linear head on, and the way back to weights for features as they come.

    The penalty ½‖w‖² keeps the optimum in the span of the standardized rows Z: w = Zᵀa. With
    ZZᵀ = LLᵀ and v = Lᵀa the scores are Lv and ‖w‖ = ‖v‖, so that the rows of L, of n dimensions
    instead of d, have the same optimum.

    Args:
        values: float32 (n, d), what is trained on.

    Attributes:
        rows: float64 (n, d), or (n, n) where n < d.
    """

    def __init__(self, values: np.ndarray) -> None:
        self.values, self.scaling = values, Scaling.of(values)
        count, dimensions = values.shape
        self.is_narrow = count < dimensions
        self.rows = np.zeros((count, count if self.is_narrow else dimensions))
        for columns in parts_of(dimensions):
            part = self._part(columns)
            if self.is_narrow:
                self.rows += part @ part.T
            else:
                self.rows[:, columns] = part
        if self.is_narrow:
            self.rows = _factor(self.rows)

    def raw(self, weights: np.ndarray, intercepts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return weights (d, k) and intercepts (k,) for features that are not standardized.

        Args:
            weights: float64 (p, k), for ``rows`` of p dimensions.
            intercepts: float64 (k,).
        """
        if self.is_narrow:
            along = solve_triangular(self.rows, weights, lower=True, trans="T", check_finite=False)
            parts = [self._part(columns).T @ along for columns in parts_of(self.values.shape[1])]
            weights = np.concatenate(parts)
        weights = weights / self.scaling.scale[:, np.newaxis]
        return weights, intercepts - self.scaling.mean @ weights

    def _part(self, columns: slice) -> np.ndarray:
        part = self.values[:, columns] - self.scaling.mean[columns]
        part /= self.scaling.scale[columns]
        return part


def _factor(gram: np.ndarray) -> np.ndarray:
    """Return Cholesky's L; the mean was taken off, so that one dimension is lost."""
    noise = GRAM_NOISE * max(float(np.trace(gram)) / len(gram), 1e-300)
    while True:
        try:
            inner = gram + noise * np.eye(len(gram))
            return np.ascontiguousarray(cholesky(inner, lower=True, check_finite=False))
        except LinAlgError:
            noise *= 10
