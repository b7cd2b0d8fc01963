"""k nearest neighbours: a classifier that learns nothing, and keeps every example.

Formula: docs/foundations.md#nearest-neighbours-and-prototypes.
Test: tests/apps/foundations/test_neighbours.py.
Picture: docs/foundations/knn.png, drawn by scripts/foundations/knn.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sightkit._errors import SightkitError
from sightkit.apps.foundations import arguments, shapes
from sightkit.apps.foundations.learner import Learner

Array = np.ndarray
NORMS = ("L1", "L2")


def distances(a: Array, b: Array, norm: str = "L2") -> Array:
    """Return how far each row of ``a`` (m, d) is from each of ``b`` (n, d): float64 (m, n).

    L1 is Σ|a − b|, the way through a city; L2 is √Σ(a − b)², the straight line.
    """
    shapes.check(a=(a, "M d"), b=(b, "N d"))
    order = NORMS.index(arguments.choice("norm", norm, NORMS)) + 1
    # A row at a time: all differences at once would take m · n · d numbers.
    return np.array([np.linalg.norm(b - row, ord=order, axis=1) for row in a])


class NearestNeighbours(Learner):
    """The k nearest training samples vote; nothing is learned, everything is stored.

    Args:
        k: neighbours that vote; of equal votes the smaller label wins, as in scikit-learn.
        norm: ``"L1"`` or ``"L2"``.
    """

    def __init__(self, k: int = 1, norm: str = "L2") -> None:
        arguments.counts(k=k)
        self.k, self.norm = k, arguments.choice("norm", norm, NORMS)

    def fit(self, x: Any, y: Any) -> NearestNeighbours:
        """Store samples (n, d) and labels (n,), 0 … K−1."""
        self.x = arguments.samples(x)
        self.y = arguments.labels(y, len(self.x))
        if self.k > len(self.x):
            raise SightkitError(
                f"k must be at most the number of training samples, {len(self.x)}.",
                f"Give k={min(5, len(self.x))}, for example.",
                k=self.k,
            )
        return self

    def neighbours(self, x: Any) -> Array:
        """Return the indices (m, k) of the training samples nearest to each row, nearest first."""
        x = arguments.samples(x, self.x.shape[1])
        found = distances(x, self.x, self.norm)
        return np.argsort(found, axis=1, kind="stable")[:, : self.k]

    def predict_proba(self, x: Any) -> Array:
        """Return the share of each class among the neighbours: float64 (m, K)."""
        votes = self.y[self.neighbours(x)]
        return np.mean(votes[:, :, None] == np.arange(self.y.max() + 1), axis=1)

    def predict(self, x: Any) -> Array:
        """Return the class with most neighbours: int64 (m,)."""
        return self.predict_proba(x).argmax(axis=1)


class ApproximateNeighbours(NearestNeighbours):
    """Nearest neighbours by scikit-learn's random projection and k-d tree: quick, and mostly right.

    Distances hardly change when points are projected to a few random directions (Johnson and
    Lindenstrauss 1984), and there a k-d tree finds candidates quickly. Exact distances choose
    among them.

    Args:
        k: neighbours that vote.
        norm: ``"L1"`` or ``"L2"``.
        directions: of the projection.
        candidates: how many the tree finds for each of the k.
        seed: of the directions.
    """

    def __init__(
        self, k: int = 1, norm: str = "L2", *, directions: int = 16, candidates: int = 10,
        seed: int = 0,
    ) -> None:  # fmt: skip
        super().__init__(k, norm)
        arguments.counts(directions=directions, candidates=candidates)
        self.directions, self.candidates, self.seed = directions, candidates, seed

    def fit(self, x: Any, y: Any) -> ApproximateNeighbours:
        """Store samples and labels, and build the tree of the projected samples."""
        from sklearn.neighbors import KDTree
        from sklearn.random_projection import GaussianRandomProjection

        super().fit(x, y)
        directions = min(self.directions, self.x.shape[1])
        self.projection = GaussianRandomProjection(directions, random_state=self.seed)
        self.tree = KDTree(self.projection.fit_transform(self.x))
        return self

    def neighbours(self, x: Any) -> Array:
        """Return indices (m, k), nearly always those of the nearest."""
        x = arguments.samples(x, self.x.shape[1])
        count = min(self.k * self.candidates, len(self.x))
        near = self.tree.query(self.projection.transform(x), k=count, return_distance=False)
        pairs = zip(x, near, strict=True)
        exact = [distances(row[None], self.x[own], self.norm)[0] for row, own in pairs]
        order = np.argsort(exact, axis=1, kind="stable")[:, : self.k]
        return np.take_along_axis(near, order, axis=1)
