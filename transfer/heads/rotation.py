"""Fewer samples than dimensions: the same optimum in as many dimensions as there are samples.

The penalty ½‖w‖² keeps the optimum in the span of the samples: w = Zᵀa. With ZZᵀ = L Lᵀ and
v = Lᵀa the scores of the samples are L v and ‖w‖ = ‖v‖, so that a problem of n dimensions with
the rows of L as samples has the same solution, to the last bits that L itself has.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgError, cholesky, solve_triangular

from sightkit.transfer.heads.scaling import Scaling

EXACT_OPERATIONS = 2e10
"""Of the Gram matrix in float64; larger ones in float32."""


@dataclass(frozen=True)
class Rotated:
    """Samples in the span of themselves.

    Attributes:
        values: float32 (N, d), of which the samples are rows.
        taken: int64 (n,), which of them.
        mean: float64 (d,), of the samples.
        scale: float64 (d,).
        factor: float64 (n, n), L.
    """

    values: np.ndarray
    taken: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    factor: np.ndarray

    @property
    def rows(self) -> np.ndarray:
        """The samples in the new dimensions, float32 (n, n)."""
        return np.ascontiguousarray(self.factor, np.float32)

    def back(self, weights: np.ndarray, intercepts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Weights (d, k) and intercepts (k,), float64, for features as they come."""
        along = solve_triangular(
            self.factor, weights.astype(np.float64), lower=True, trans="T", check_finite=False
        )
        if _is_exact(*self.values.shape):
            raw = (self.values[self.taken] - self.mean).T @ along
        else:  # one product, and no copy of what may be gigabytes
            everywhere = np.zeros((len(self.values), along.shape[1]), np.float32)
            everywhere[self.taken] = along
            raw = self.values.T @ everywhere - np.outer(self.mean, along.sum(axis=0))
        raw /= np.square(self.scale)[:, np.newaxis]
        return raw, intercepts - self.mean @ raw

    def scores(self, rows: np.ndarray, weights: np.ndarray, intercepts: np.ndarray) -> np.ndarray:
        """Scores (m, k) of some of all samples, by what ``back`` gave."""
        if _is_exact(*self.values.shape):
            return self.values[rows] @ weights + intercepts
        # A product of the whole in float32 takes less time than a copy of some.
        product = self.values @ weights.astype(np.float32)
        return product[rows] + intercepts


def rotate(values: np.ndarray, taken: np.ndarray) -> Rotated:
    """Standardize some rows of (N, d), by themselves, and rotate them into their span."""
    rows = values[taken]
    scaling = Scaling.of(rows)
    if _is_exact(*rows.shape):
        standardized = (rows - scaling.mean) / scaling.scale
        gram, noise = standardized @ standardized.T, 1e-10
    else:
        gram, noise = (scaling.apply(rows) @ rows.T).astype(np.float64), 1e-6
    return Rotated(values, taken, scaling.mean, scaling.scale, _factor(gram, noise))


def _is_exact(count: int, dimensions: int) -> bool:
    return float(count) ** 2 * dimensions <= EXACT_OPERATIONS


def _factor(gram: np.ndarray, noise: float) -> np.ndarray:
    """Cholesky's L.

    The mean was taken off, so that one dimension is lost: a share of the trace,
    about what rounding makes of it, is added to the diagonal.
    """
    trace = max(float(np.trace(gram)) / len(gram), 1e-300)
    while noise < 1e-3:
        inner = gram.copy()
        inner[np.diag_indices(len(gram))] += noise * trace
        try:
            return cholesky(inner, lower=True, overwrite_a=True, check_finite=False)
        except LinAlgError:
            noise *= 10
    raise LinAlgError("the Gram matrix is not positive definite")
