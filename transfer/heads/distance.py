"""How far photos are from the classes of a head: the angle between features and class means."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sightkit import _arrays, _files
from sightkit._errors import SightkitError
from sightkit.transfer.heads.stored_rows import StoredRows, blocks_of

LEVELS = np.linspace(0, 1, 1001)


@dataclass(frozen=True)
class ClassDistance:
    """Distances from the nearest class, 1 - cosine: what a class holds lies in one direction.

    A photo of something else is often given a class with certainty; its features point elsewhere
    all the same (benchmarks/none_of_these.py).

    Attributes:
        means: float32 (classes, d): of the class's training features of unit length; unit length.
        known: float32 (1001,), rising: quantiles of the training photos' distances, each from the
            means of the others.
        sure: float32 (1001,), rising: quantiles of the best class's probability, for training
            photos by heads that were not trained on them.
        photos: number of training photos.
    """

    means: np.ndarray
    known: np.ndarray
    sure: np.ndarray
    photos: int

    @classmethod
    def of(
        cls, values: np.ndarray | StoredRows, labels: np.ndarray, held_out: np.ndarray
    ) -> ClassDistance:
        """Measure training photos.

        Args:
            values: features, float32 (n, d), or rows of a file that exceeds the memory.
            labels: int64 (n,).
            held_out: float32 (n, classes), probabilities by heads that were not trained on them.
        """
        count, dimensions = values.shape
        parts = list(blocks_of(np.arange(count), dimensions))
        sums = np.zeros((held_out.shape[1], dimensions))
        for rows in parts:
            np.add.at(sums, labels[rows], _unit(values[rows]))
        lengths = np.linalg.norm(sums, axis=1)
        distances = np.empty(count)
        for rows in parts:
            products = _unit(values[rows]) @ sums.T
            own = np.arange(len(rows)), labels[rows]
            norms = np.tile(lengths, (len(rows), 1))
            # The mean of a photo's own class is taken without it.
            norms[own] = np.sqrt(np.maximum(lengths[labels[rows]] ** 2 - 2 * products[own] + 1, 0))
            products[own] -= 1
            distances[rows] = 1 - (products / np.maximum(norms, 1e-9)).max(axis=1)
        means = sums / np.maximum(lengths, 1e-12)[:, np.newaxis]
        known, sure = (
            np.quantile(each, LEVELS).astype(np.float32)
            for each in (distances, held_out.max(axis=1))
        )
        return cls(means.astype(np.float32), known, sure, count)

    def distances(self, features: np.ndarray) -> np.ndarray:
        """Return distances from the nearest class, float64 (n,), of features (n, d)."""
        return 1 - (_unit(features) @ self.means.T.astype(np.float64)).max(axis=1)

    def limit(self, lost: float) -> float:
        """Return the distance beyond which about a share of the classes' own photos lies.

        Args:
            lost: the share, above 0 and below 1; new photos are as likely beyond it, on average,
                as the quantile is taken of one photo more than there are.
        """
        return float(np.interp((1 - lost) * (self.photos + 1) / self.photos, LEVELS, self.known))

    def lost_below(self, threshold: float) -> float:
        """Return the share of held-out training photos whose best probability is below it."""
        return float(np.searchsorted(self.sure, threshold) / len(self.sure))

    def save(self, path: Path) -> None:
        """Write the arrays, without pickle."""
        with _files.replacing(path) as temporary:
            np.savez(temporary, allow_pickle=False, **vars(self))

    @classmethod
    def load(cls, path: Path, classes: int, dimensions: int) -> ClassDistance:
        """Read the arrays.

        Raises:
            SightkitError: they are damaged, or of other classes or features.
        """
        wanted = {
            "means": ("float32", ("classes", "dimensions")),
            **dict.fromkeys(("known", "sure"), ("float32", ("levels",))),
            "photos": ("int64", ()),
        }
        try:
            arrays = _arrays.read_npz(path)
            sizes = {"classes": classes, "dimensions": dimensions, "levels": len(LEVELS)}
            _arrays.check_arrays(arrays, wanted, **sizes)
            found = cls(**{**arrays, "photos": int(arrays["photos"])})
            if found.photos < 1:
                raise ValueError(f"of {found.photos} photos")
        except ValueError as error:
            raise SightkitError(
                f"The distances of the bundle are damaged: {error}.",
                "Train it again.",
                path=str(path),
            ) from error
        return found


def _unit(features: np.ndarray) -> np.ndarray:
    rows = features.astype(np.float64)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
