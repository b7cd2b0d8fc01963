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
    """Mean and standard deviation, float64 (d,); constant features keep a scale of 1.

    Both are rounded to float32, so that rows standardized in float32, and weights brought back in
    float64, speak of the same scaling.
    """

    mean: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray) -> Scaling:
        """Fitted on rows (n, d)."""
        mean, variance = np.empty((2, values.shape[1]))
        for columns in parts_of(values.shape[1]):
            part = values[:, columns].astype(np.float64)  # squares of 1e20 are none in float32
            mean[columns] = part.mean(axis=0)
            part -= mean[columns]
            variance[columns] = np.square(part, out=part).mean(axis=0)
        return cls.of_moments(mean, variance)

    @classmethod
    def of_moments(cls, mean: np.ndarray, variance: np.ndarray) -> Scaling:
        """Of mean and variance; what differs only in rounding is constant, as in scikit-learn."""
        deviation = np.sqrt(variance)
        scale = np.where(deviation <= NOISE * np.abs(mean), 1.0, deviation)
        return cls(_rounded(mean), _rounded(scale))

    def apply(self, values: np.ndarray) -> np.ndarray:
        """Standardize float32 rows (n, d) in their place."""
        values -= self.mean.astype(np.float32)
        values /= self.scale.astype(np.float32)
        return values


def parts_of(dimensions: int) -> list[slice]:
    """Slices of features, ``COLUMNS`` at once."""
    return [slice(start, start + COLUMNS) for start in range(0, dimensions, COLUMNS)]


def _rounded(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float32).astype(np.float64)
