"""Standardization: each feature with mean 0 and standard deviation 1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NOISE = 10 * float(np.finfo(np.float32).eps)
"""Part of a value within which float32 differs by rounding alone."""
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
        return cls.of_moments(mean, deviation)

    @classmethod
    def of_moments(cls, mean: np.ndarray, deviation: np.ndarray) -> Scaling:
        """Take moments as given; a feature that differs only in rounding is constant."""
        scale = np.where(deviation <= NOISE * np.abs(mean), 1.0, deviation)
        return cls(_rounded(mean), _rounded(scale))

    def raw(self, weights: np.ndarray, intercepts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return weights (d, k) and intercepts (k,) for features that are not standardized."""
        weights = weights / self.scale[:, np.newaxis]
        return weights, intercepts - self.mean @ weights


def parts_of(dimensions: int) -> list[slice]:
    """Return slices of features, ``COLUMNS`` at once."""
    return [slice(start, start + COLUMNS) for start in range(0, dimensions, COLUMNS)]


def _rounded(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float32).astype(np.float64)
