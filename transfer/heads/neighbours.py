"""k nearest neighbours among standardized features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

BLOCK = 1024


@dataclass(frozen=True)
class NeighboursHead:
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

    @property
    def dimensions(self) -> int:
        """Of the features."""
        return self.samples.shape[1]

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """Features (n, d) to float32 (n, classes)."""
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

    def arrays(self) -> dict[str, np.ndarray]:
        """What is kept."""
        return {name: getattr(self, name) for name in ("samples", "labels", "mean", "scale")}

    def settings(self) -> dict[str, Any]:
        """What is kept beside the arrays, JSON."""
        return {"classes": self.classes, "k": self.k}
