"""Standardization, and rows that stay in their file because they exceed the memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

BLOCK_BYTES = 2**25


@dataclass(frozen=True)
class Scaling:
    """Mean and standard deviation, float64 (d,); constant features keep a scale of 1."""

    mean: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray) -> Scaling:
        """Fitted on rows (n, d)."""
        mean = values.mean(axis=0, dtype=np.float64)
        centred = values - mean.astype(values.dtype)
        return cls.of_moments(mean, np.square(centred).mean(axis=0, dtype=np.float64))

    @classmethod
    def of_moments(cls, mean: np.ndarray, variance: np.ndarray) -> Scaling:
        """Of mean and variance; what differs only in rounding is constant, as in scikit-learn."""
        noise = 10 * np.finfo(np.float32).eps * np.abs(mean)
        deviation = np.sqrt(variance)
        return cls(mean, np.where(deviation <= noise, 1.0, deviation))


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
                block -= self.scaling.mean.astype(np.float32)
                block /= self.scaling.scale.astype(np.float32)
            yield part, block

    def standardized(self, scaling: Scaling) -> StreamedRows:
        """The same rows, standardized as they are read."""
        return StreamedRows(self.features, self.taken, scaling)

    def scalings(self, masks: np.ndarray) -> list[Scaling]:
        """For each column of float32 (n, F) masks the scaling of the rows that it takes."""
        counts = masks.sum(axis=0, dtype=np.float64)[:, np.newaxis]
        mean = np.zeros((masks.shape[1], self.shape[1]))
        for part, block in self.blocks():
            mean += masks[part].T.astype(np.float64) @ block
        mean /= counts
        variance = np.zeros_like(mean)
        for part, block in self.blocks():
            for index, fold in enumerate(masks[part].T):
                variance[index] += np.square(block[fold > 0] - mean[index]).sum(axis=0)
        variance /= counts
        return [Scaling.of_moments(*moments) for moments in zip(mean, variance, strict=True)]
