"""Heads of several Cs, fitted on folds: on one shared matrix, or each fold rotated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from sightkit.transfer.heads.fold_scaling import FoldScaling
from sightkit.transfer.heads.losses import Loss
from sightkit.transfer.heads.rotation import Rotated, rotate
from sightkit.transfer.heads.rows import Matrix, Rows, StreamedRows
from sightkit.transfer.heads.scaling import Scaling
from sightkit.transfer.heads.solver import Solution, Solver

FINAL = 1e-6
"""Gap to the optimum (see ``Solver``) of the head that is kept."""
ROTATED_FROM = 150
"""Samples fewer than dimensions are rotated where they are fewer than this times the columns of
weights of all folds: the Gram matrices cost n²·d, the passes over the data n·d a column."""


class Candidates(Protocol):
    """Heads of several Cs, fitted on folds."""

    @property
    def passes(self) -> int:
        """Over the data, so far."""
        ...

    def held_out(self, strengths: Sequence[float], gap: float) -> list[np.ndarray]:
        """For each C, scores (n, k) of each sample by the fold that held it out.

        What was solved before is where the search begins.
        """
        ...

    def fit(self, strength: float) -> tuple[np.ndarray, np.ndarray]:
        """Weights (d, k) and intercepts (k,), fitted on all samples."""
        ...


def candidates_of(
    values: np.ndarray | StreamedRows,
    loss: Callable[[np.ndarray | slice], Loss],
    folds: Sequence[np.ndarray],
) -> Candidates:
    """The way that fits: features in their file, many samples, or few of many dimensions."""
    if isinstance(values, StreamedRows):
        return _streamed(values, loss, folds)
    if _pays_to_rotate(values.shape, loss(slice(None)).columns * len(folds)):
        return _Rotated(values, loss, folds)
    return _in_memory(values, loss, folds)


def _pays_to_rotate(shape: tuple[int, ...], columns: int) -> bool:
    return shape[0] < min(shape[1], ROTATED_FROM * columns)


class _Shared:
    """All folds on one standardized matrix, in memory or in its file."""

    def __init__(
        self,
        rows: Rows,
        scaling: Scaling,
        own: FoldScaling,
        loss: Loss,
        folds: Sequence[np.ndarray],
    ) -> None:
        count = rows.shape[0]
        self.scaling, self.folds = scaling, folds
        self.search = Solver(rows, loss, fold_masks(count, folds), own)
        whole = np.ones((count, 1), np.float32)
        self.final = Solver(rows, loss, whole, spectrum=self.search.spectrum)
        self.found: dict[float, Solution] = {}

    @property
    def passes(self) -> int:
        return self.search.passes + self.final.passes

    def held_out(self, strengths: Sequence[float], gap: float) -> list[np.ndarray]:
        folds = np.arange(len(self.folds))
        starts = [self.found.get(strength) or self.search.begin(folds) for strength in strengths]
        found = self.search.solve(
            np.repeat(strengths, len(folds)),
            np.tile(folds, len(strengths)),
            Solution.joined(starts),
            gap=gap,
        )
        scores = self.search.scores(found, np.tile(folds, len(strengths)))
        result = []
        for index, strength in enumerate(strengths):
            problems = slice(index * len(folds), (index + 1) * len(folds))
            self.found[strength] = found.only(problems)
            result.append(of_its_fold(scores[:, problems], self.folds))
        return result

    def fit(self, strength: float) -> tuple[np.ndarray, np.ndarray]:
        start = self.search.plain(self.found[strength], np.arange(len(self.folds)))
        mean = Solution(
            start.weights.mean(axis=0, keepdims=True), start.intercepts.mean(axis=0, keepdims=True)
        )
        found = self.final.solve(np.array([strength]), np.array([0]), mean, gap=FINAL)
        return unscaled(found.weights[0].T, found.intercepts[0], self.scaling)


def _in_memory(
    values: np.ndarray, loss: Callable[[slice], Loss], folds: Sequence[np.ndarray]
) -> _Shared:
    scaling = Scaling.of(values)
    rows = Matrix(scaling.apply(values.astype(np.float32)))
    own = FoldScaling.of(rows.values, scaling, folds)
    return _Shared(rows, scaling, own, loss(slice(None)), folds)


def _streamed(
    rows: StreamedRows, loss: Callable[[slice], Loss], folds: Sequence[np.ndarray]
) -> _Shared:
    masks = fold_masks(rows.shape[0], folds)
    whole = np.ones((rows.shape[0], 1), np.float32)
    mean, variance = rows.moments(np.concatenate([whole, masks], axis=1))
    scaling = Scaling.of_moments(mean[0], variance[0])
    own = FoldScaling.of_raw_moments(mean[1:], variance[1:], scaling)
    return _Shared(rows.standardized(scaling), scaling, own, loss(slice(None)), folds)


class _Rotated:
    """Fewer samples than dimensions: each fold in the span of its own standardized samples."""

    def __init__(
        self,
        values: np.ndarray,
        loss: Callable[[np.ndarray | slice], Loss],
        folds: Sequence[np.ndarray],
    ) -> None:
        self.values, self.folds, self.loss = values, folds, loss
        everything = np.arange(len(values))
        self.trained = [np.setdiff1d(everything, rows) for rows in folds]
        self.rotated: list[Rotated] = [rotate(values, rows) for rows in self.trained]
        self.solvers = [
            _one(rotated, loss(rows))
            for rotated, rows in zip(self.rotated, self.trained, strict=True)
        ]
        self.found: list[dict[float, Solution]] = [{} for _ in folds]
        self.last_passes = 0

    @property
    def passes(self) -> int:
        return sum(solver.passes for solver in self.solvers) + self.last_passes

    def held_out(self, strengths: Sequence[float], gap: float) -> list[np.ndarray]:
        result: list[np.ndarray] = [np.empty(0)] * len(strengths)
        for rows, rotated, solver, known in zip(
            self.folds, self.rotated, self.solvers, self.found, strict=True
        ):
            first = np.zeros(1, np.int64)
            starts = [known.get(strength) or solver.begin(first) for strength in strengths]
            found = solver.solve(
                np.asarray(strengths),
                np.zeros(len(strengths), np.int64),
                Solution.joined(starts),
                gap=gap,
            )
            shape = found.weights.shape
            flat = found.weights.reshape(-1, shape[2]).T
            weights, intercepts = rotated.back(flat, found.intercepts.ravel())
            scores = rotated.scores(rows, weights, intercepts)
            for index, strength in enumerate(strengths):
                known[strength] = found.only(slice(index, index + 1))
                if not len(result[index]):
                    result[index] = np.empty((len(self.values), shape[1]))
                result[index][rows] = scores.reshape(len(rows), *shape[:2])[:, index]
        return result

    def fit(self, strength: float) -> tuple[np.ndarray, np.ndarray]:
        rotated = rotate(self.values, np.arange(len(self.values)))
        solver = _one(rotated, self.loss(slice(None)))
        first = np.zeros(1, np.int64)
        found = solver.solve(np.array([strength]), first, solver.begin(first), gap=FINAL)
        self.last_passes = solver.passes
        return rotated.back(found.weights[0].T, found.intercepts[0])


def _one(rotated: Rotated, loss: Loss) -> Solver:
    rows: Rows = Matrix(rotated.rows)
    return Solver(rows, loss, np.ones((len(rotated.rows), 1), np.float32))


def fold_masks(count: int, folds: Sequence[np.ndarray]) -> np.ndarray:
    """float32 (n, F): 1 where a sample is a fold's training sample."""
    mask = np.ones((count, len(folds)), np.float32)
    for index, rows in enumerate(folds):
        mask[rows, index] = 0
    return mask


def of_its_fold(scores: np.ndarray, folds: Sequence[np.ndarray]) -> np.ndarray:
    """From scores of all folds (n, F, k) each sample's by the fold that held it out: (n, k)."""
    result = np.empty((scores.shape[0], scores.shape[2]), scores.dtype)
    for index, rows in enumerate(folds):
        result[rows] = scores[rows, index]
    return result


def unscaled(
    weights: np.ndarray, intercepts: np.ndarray, scaling: Scaling
) -> tuple[np.ndarray, np.ndarray]:
    """Weights (d, k) and intercepts (k,) for features that are not standardized."""
    raw = weights.astype(np.float64) / scaling.scale[:, np.newaxis]
    return raw, intercepts - scaling.mean @ raw
