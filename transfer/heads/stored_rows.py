"""Rows of a feature file that exceed the memory: a linear head is fitted on parts of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sightkit.transfer.feature_file import BLOCK_BYTES, Features

SMALLEST = 1_000
"""Rows that a part has at least; of 25,088 features they take 400 MB while a head is fitted. Of
2,500 photos of CIFAR-10, two parts cost no accuracy, four of 625 rows 0.6 points (five seeds)."""


@dataclass(frozen=True)
class StoredRows:
    """Rows of a feature file, read when they are needed.

    Attributes:
        features: the file.
        taken: int64 (n,), which of its rows.
        parts: the number of parts in which they are read, each of which fits into memory.
    """

    features: Features
    taken: np.ndarray
    parts: int

    @property
    def shape(self) -> tuple[int, int]:
        """(n, d)."""
        return len(self.taken), self.features.shape[1]

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        """Return float32 (m, d)."""
        return self.features.take(self.taken[rows])


def mixed_parts(labels: np.ndarray, taken: np.ndarray, parts: int) -> list[np.ndarray]:
    """Divide rows at random, each class evenly; a class of fewer rows than parts is in all parts.

    Args:
        labels: int64 (n,).
        taken: which rows are divided.
        parts: how many parts.

    Returns:
        Rows of each part, rising.
    """
    mixed = np.random.default_rng(0).permutation(taken)
    mixed = mixed[np.argsort(labels[mixed], kind="stable")]
    rare = np.bincount(labels[mixed])[labels[mixed]] < parts
    return [
        np.sort(np.concatenate([mixed[rare], mixed[~rare][part::parts]])) for part in range(parts)
    ]


def blocks_of(rows: np.ndarray, dimensions: int) -> Iterator[np.ndarray]:
    """Yield rows, as many at once as take ``BLOCK_BYTES``."""
    size = max(1, BLOCK_BYTES // (4 * dimensions))
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
