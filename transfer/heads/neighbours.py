"""k nearest neighbours among standardized features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from sightkit.transfer.heads.classifier import Head

BLOCK = 1024


@dataclass(frozen=True)
class NeighboursHead(Head):
    """The share of each class among the ``k`` nearest training samples, in Euclid's distance.

    Attributes:
        samples: float32 (n, d), standardized.
        labels: int64 (n,).
        mean: float64 (d,), of the training features.
        scale: float64 (d,).
        classes: number of classes.
        k: neighbours.
    """

    samples: np.ndarray
    labels: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    classes: int
    k: int = 1

    kind = "neighbours"
    stored: ClassVar = {
        "samples": ("float32", ("n", "dimensions")),
        "labels": ("int64", ("n",)),
        **dict.fromkeys(("mean", "scale"), ("float64", ("dimensions",))),
    }

    @property
    def dimensions(self) -> int:  # type: ignore[override]
        """Of the features."""
        return self.samples.shape[1]

    def check(self) -> None:
        """Compare labels with classes, ``k`` with the samples."""
        if not set(self.labels) <= set(range(self.classes)) or not 1 <= self.k <= len(self.labels):
            raise ValueError(f"neighbours that are none of {self.classes} classes, or k={self.k}")

    def predict_proba(self, features: np.ndarray) -> np.ndarray:
        """Return probabilities, float32 (n, classes), of features (n, d)."""
        result = np.zeros((len(features), self.classes), np.float32)
        lengths = np.square(self.samples, dtype=np.float64).sum(axis=1)
        for start in range(0, len(features), BLOCK):
            part = (features[start : start + BLOCK] - self.mean) / self.scale
            # The samples' own length is the same for all neighbours and left out.
            distances = lengths - 2 * (part @ self.samples.T.astype(np.float64))
            nearest = np.argsort(distances, axis=1, kind="stable")[:, : self.k]
            for column in self.labels[nearest].T:
                result[np.arange(start, start + len(part)), column] += 1 / self.k
        return result

    def estimator(self) -> Any:
        """Return scikit-learn's ``StandardScaler`` and ``KNeighborsClassifier`` in a pipeline."""
        from sklearn.neighbors import KNeighborsClassifier
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        scaler = StandardScaler()
        vars(scaler).update(mean_=self.mean, scale_=self.scale, var_=self.scale**2)
        scaler.n_features_in_ = self.dimensions
        neighbours = KNeighborsClassifier(self.k, algorithm="brute")
        return make_pipeline(scaler, neighbours.fit(self.samples.astype(np.float64), self.labels))
