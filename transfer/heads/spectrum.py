"""The largest eigenvalues of ZᵀZ: what makes a search in many dimensions short."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sightkit.transfer.heads.rows import Rows

RANK, MORE = 32, 8
"""Eigenvalues, and further random directions that make them exact.

Of 3,000 x 1,280 and 3,000 x 25,088 features 30 and 100 of them took as many passes over the data,
and as many as the exact Cholesky factor.
"""
SWEEPS = 2


@dataclass(frozen=True)
class Spectrum:
    """ZᵀZ ≈ U diag(λ) Uᵀ + τ (1 − U Uᵀ).

    Attributes:
        vectors: U, float32 (d, r), orthonormal.
        values: λ, float64 (r,).
        rest: τ, the mean of all other eigenvalues that may differ from 0.
    """

    vectors: np.ndarray
    values: np.ndarray
    rest: float

    @classmethod
    def of(cls, rows: Rows) -> Spectrum:
        """By subspace iteration from random directions (Halko et al. 2011, algorithm 4.4)."""
        count, dimensions = rows.shape
        rank = min(RANK, count, dimensions)
        directions = np.random.default_rng(0).standard_normal(
            (dimensions, min(RANK + MORE, count, dimensions)), np.float32
        )
        for _ in range(SWEEPS):
            image = np.zeros_like(directions)
            for _, block in rows.blocks():
                image += block.T @ (block @ directions)
            directions = np.linalg.qr(image)[0]
        inner = np.zeros((directions.shape[1],) * 2)
        trace = 0.0
        for _, block in rows.blocks():
            seen = block @ directions
            inner += seen.T @ seen
            trace += float(np.vdot(block, block))
        values, vectors = np.linalg.eigh(inner)
        values, vectors = values[::-1][:rank], vectors[:, ::-1][:, :rank]
        others = max(min(count, dimensions) - rank, 1)
        rest = max(trace - float(values.sum()), 0.0) / others
        return cls((directions @ vectors).astype(np.float32), np.maximum(values, 0), rest)

    def root(self, strengths: np.ndarray) -> Root:
        """(1 + strength · ZᵀZ)^½, for each of several strengths (P,)."""
        values = np.sqrt(1 + strengths[:, np.newaxis] * self.values)
        return Root(self.vectors, values, np.sqrt(1 + strengths * self.rest))


@dataclass(frozen=True)
class Root:
    """P symmetric matrices: U diag(values) Uᵀ + rest · (1 − U Uᵀ).

    Attributes:
        vectors: U, float32 (d, r).
        values: float64 (P, r).
        rest: float64 (P,).
    """

    vectors: np.ndarray
    values: np.ndarray
    rest: np.ndarray

    def only(self, which: np.ndarray) -> Root:
        """Some of them."""
        return Root(self.vectors, self.values[which], self.rest[which])

    def times(self, weights: np.ndarray) -> np.ndarray:
        """Each matrix times its own float32 (k, d) of (P, k, d)."""
        return self._of(weights, self.values, self.rest)

    def solve(self, weights: np.ndarray) -> np.ndarray:
        """The inverse of each times its own float32 (k, d) of (P, k, d)."""
        return self._of(weights, 1 / self.values, 1 / self.rest)

    def _of(self, weights: np.ndarray, values: np.ndarray, rest: np.ndarray) -> np.ndarray:
        inner = (weights.reshape(-1, weights.shape[2]) @ self.vectors).reshape(
            *weights.shape[:2], -1
        )
        inner *= (values - rest[:, np.newaxis]).astype(np.float32)[:, np.newaxis]
        result = weights * rest.astype(np.float32)[:, np.newaxis, np.newaxis]
        result += (inner.reshape(-1, inner.shape[2]) @ self.vectors.T).reshape(weights.shape)
        return result
