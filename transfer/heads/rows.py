"""Samples that a head is fitted on: a matrix in memory, or rows that stay in their file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from sightkit.transfer.heads.scaling import Scaling

BLOCK_BYTES = 2**25


class Rows(Protocol):
    """Standardized features of all samples, in blocks."""

    @property
    def shape(self) -> tuple[int, int]:
        """(n, d)."""
        ...

    def blocks(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Positions, and float32 (m, d)."""
        ...


@dataclass(frozen=True)
class Matrix:
    """Rows in memory: (n, d)."""

    values: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        """(n, d)."""
        return self.values.shape  # type: ignore[return-value]

    def blocks(self) -> Iterator[tuple[slice, np.ndarray]]:
        """One block."""
        yield slice(0, len(self.values)), self.values


class Takes(Protocol):
    """What is asked of features in a file (``transfer.Features`` fits)."""

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, dimensions)."""
        ...

    def take(self, rows: np.ndarray | slice) -> np.ndarray:
        """float32 (n, d)."""
        ...


@dataclass(frozen=True)
class StreamedRows:
    """Rows of a feature file, read a block at a time.

    Attributes:
        features: the file.
        taken: int64 (n,), which of its rows, rising.
        scaling: how they are standardized; None for rows as they come.
    """

    features: Takes
    taken: np.ndarray
    scaling: Scaling | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """(n, d)."""
        return len(self.taken), self.features.shape[1]

    def blocks(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Positions, and float32 (m, d)."""
        size = max(1, BLOCK_BYTES // (4 * self.shape[1]))
        for start in range(0, len(self.taken), size):
            part = slice(start, min(start + size, len(self.taken)))
            block = self.features.take(self.taken[part])
            if self.scaling is not None:
                self.scaling.apply(block)
            yield part, block

    def standardized(self, scaling: Scaling) -> StreamedRows:
        """The same rows, standardized as they are read."""
        return StreamedRows(self.features, self.taken, scaling)

    def moments(self, masks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and variance, float64 (F, d), of the rows that each column of (n, F) masks takes."""
        counts = masks.sum(axis=0, dtype=np.float64)[:, np.newaxis]
        mean = np.zeros((masks.shape[1], self.shape[1]))
        for part, block in self.blocks():
            mean += masks[part].T.astype(np.float64) @ block
        mean /= counts
        variance = np.zeros_like(mean)
        for part, block in self.blocks():
            for index, fold in enumerate(masks[part].T):
                variance[index] += np.square(block[fold > 0] - mean[index]).sum(axis=0)
        return mean, variance / counts
