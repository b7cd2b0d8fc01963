"""Standardization: each feature with mean 0 and standard deviation 1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NOISE = 10 * float(np.finfo(np.float32).eps)
"""Share of a value that float32 rounds away: a feature that varies by less is constant."""
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

    def raw(self, weights: np.ndarray, intercepts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return weights (d, k) and intercepts (k,) for features that are not standardized."""
        weights = weights / self.scale[:, np.newaxis]
        return weights, intercepts - self.mean @ weights


def parts_of(dimensions: int) -> list[slice]:
    """Return slices of features, ``COLUMNS`` at once."""
    return [slice(start, start + COLUMNS) for start in range(0, dimensions, COLUMNS)]
