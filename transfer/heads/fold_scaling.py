"""Each fold's own standardization, of rows that were standardized over all samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sightkit.transfer.heads.scaling import NOISE, Scaling, parts_of


@dataclass(frozen=True)
class FoldScaling:
    """What standardizes shared rows z for each fold: (z - mean) * factor.

    Attributes:
        mean: float32 (F, d), of each fold's training rows.
        factor: float32 (F, d), one over their standard deviation; 0 for a feature that is constant
            among them, which then says nothing to that fold, as in scikit-learn.
    """

    mean: np.ndarray
    factor: np.ndarray

    @classmethod
    def of(cls, rows: np.ndarray, scaling: Scaling, folds: Sequence[np.ndarray]) -> FoldScaling:
        """From rows in memory, each read once: moments of the held-out parts, put together.

        Args:
            rows: float32 (n, d), standardized.
            scaling: by which they were.
            folds: held-out rows of each fold; each row is in one.
        """
        count = len(folds)
        means, squares = np.empty((2, count, rows.shape[1]))
        for index, fold in enumerate(folds):
            for columns in parts_of(rows.shape[1]):
                part = rows[fold, columns]
                means[index, columns] = part.mean(axis=0, dtype=np.float64)
                part -= means[index, columns].astype(np.float32)
                off = part.mean(axis=0, dtype=np.float64)  # the mean's own rounding
                np.square(part, out=part)
                found = part.mean(axis=0, dtype=np.float64) - np.square(off)
                squares[index, columns] = np.maximum(found, 0)
        sizes = np.array([len(fold) for fold in folds], np.float64)
        mean, variance = np.empty((2, count, rows.shape[1]))
        for index in range(count):
            rest = np.arange(count) != index
            shares = (sizes[rest] / sizes[rest].sum())[:, np.newaxis]
            mean[index] = (shares * means[rest]).sum(axis=0)
            between = np.square(means[rest] - mean[index])
            variance[index] = (shares * (squares[rest] + between)).sum(axis=0)
        return cls._of_moments(mean, variance, scaling)

    @classmethod
    def of_raw_moments(
        cls, mean: np.ndarray, variance: np.ndarray, scaling: Scaling
    ) -> FoldScaling:
        """From moments, float64 (F, d), of rows as they come."""
        return cls._of_moments(
            (mean - scaling.mean) / scaling.scale, variance / np.square(scaling.scale), scaling
        )

    @classmethod
    def _of_moments(cls, mean: np.ndarray, variance: np.ndarray, scaling: Scaling) -> FoldScaling:
        raw = np.abs(scaling.mean / scaling.scale + mean)  # in units of the shared rows
        deviation = np.sqrt(variance)
        varies = deviation > NOISE * (np.abs(mean) + raw)
        factor = np.where(varies, 1 / np.where(varies, deviation, 1), 0)
        return cls(mean.astype(np.float32), factor.astype(np.float32))

    def only(self, folds: np.ndarray) -> FoldScaling:
        """Of a fold for each of several problems (P,)."""
        return FoldScaling(self.mean[folds], self.factor[folds])

    def plain(self, weights: np.ndarray, intercepts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Weights (P, k, d) and intercepts (P, k) for the shared rows; of a scaling a problem."""
        shared = weights * self.factor[:, np.newaxis]
        return shared, intercepts - np.matvec(shared, self.mean).astype(np.float64)

    def slopes(self, slopes: np.ndarray, sums: np.ndarray) -> np.ndarray:
        """Gradients (P, k, d), in their place, from those of the shared rows and intercepts."""
        slopes -= sums.astype(np.float32)[:, :, np.newaxis] * self.mean[:, np.newaxis]
        slopes *= self.factor[:, np.newaxis]
        return slopes
