"""Prototypes: a class is remembered by one point, its mean.

Formula: docs/foundations.md#nearest-neighbours-and-prototypes.
Test: tests/apps/foundations/test_neighbours.py.
Picture: docs/foundations/knn.png, drawn by scripts/foundations/knn.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sightkit.apps.foundations import arguments
from sightkit.apps.foundations.learner import Learner
from sightkit.apps.foundations.neighbours import NORMS, distances

Array = np.ndarray


class NearestMean(Learner):
    """One prototype a class, the mean of its samples; a new one belongs to the nearest.

    With the norm L1 the prototype is the median, whose sum of L1 distances is the smallest.
    """

    def __init__(self, norm: str = "L2") -> None:
        self.norm = arguments.choice("norm", norm, NORMS)

    def fit(self, x: Any, y: Any) -> NearestMean:
        """Find the prototypes (K, d) of samples (n, d) with labels (n,), 0 … K−1."""
        x = arguments.samples(x)
        y = arguments.labels(y, len(x))
        middle = np.mean if self.norm == "L2" else np.median
        self.prototypes = np.array([middle(x[y == k], axis=0) for k in range(y.max() + 1)])
        return self

    def predict(self, x: Any) -> Array:
        """Return the class of the nearest prototype: int64 (m,)."""
        x = arguments.samples(x, self.prototypes.shape[1])
        return distances(x, self.prototypes, self.norm).argmin(axis=1)
