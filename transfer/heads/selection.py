"""C by stratified cross-validation, along a path from strong to weak regularisation."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from sightkit._errors import SightkitError
from sightkit.transfer.heads.losses import Loss
from sightkit.transfer.heads.rotation import Rotated, rotate
from sightkit.transfer.heads.scaling import Scaling, StreamedRows
from sightkit.transfer.heads.solver import Matrix, Rows, Solution, Solver

ROUGH, FINE, FINAL = 1e-3, 1e-4, 1e-5
"""Largest gradient of the mean loss: on the way, where C is chosen (scikit-learn's), at the end."""
NEAR, NEAR_PHOTOS = 0.008, 3
"""Accuracy, or photos, by which a C must lie behind, roughly solved, to be out of the running.

On 3,000 photos rough and fine accuracies of one C differed by 0.002 at most."""

Decide = Callable[[np.ndarray], np.ndarray]
"""Scores (n, k) to predicted classes (n,)."""


@dataclass(frozen=True)
class Chosen:
    """A linear head and how its C was chosen.

    Attributes:
        strength: C.
        accuracies: C to mean accuracy over the folds; NaN where there was nothing to choose.
        weights: float64 (d, k), for features as they come.
        intercepts: float64 (k,).
        held_out: scores of each sample by the fold that did not train on it, (n, k), at C.
        evaluations: passes over the data.
    """

    strength: float
    accuracies: dict[float, float]
    weights: np.ndarray
    intercepts: np.ndarray
    held_out: np.ndarray
    evaluations: int


def stratified_folds(
    labels: np.ndarray, count: int, class_names: Sequence[str]
) -> list[np.ndarray]:
    """Validation rows of each fold, as scikit-learn's ``StratifiedKFold`` deals them.

    Raises:
        SightkitError: a class with fewer samples than folds.
    """
    from sklearn.model_selection import StratifiedKFold

    counts = np.bincount(labels, minlength=len(class_names))
    if counts.min() < count:
        few = {class_names[k]: int(counts[k]) for k in np.flatnonzero(counts < count).tolist()}
        raise SightkitError(
            f"Each class needs {count} training photos at least, one a fold of the "
            "cross-validation.",
            "Add photos of it, leave the class out, or give fewer --folds.",
            too_few=few,
        )
    if count < 2:
        raise SightkitError("There must be two folds at least.", folds=count)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [test for _, test in StratifiedKFold(count).split(labels, labels)]


def choose(
    values: np.ndarray | StreamedRows,
    loss: Callable[[np.ndarray | slice], Loss],
    labels: np.ndarray,
    folds: Sequence[np.ndarray],
    strengths: Sequence[float],
    decide: Decide,
) -> Chosen:
    """Choose C and fit with it.

    Of equal accuracies the smallest C wins, as the first of a grid does. A C that lies clearly
    behind when it is roughly solved is not solved finely.

    Args:
        values: float32 (n, d), finite; not standardized. Or rows that stay in their file.
        loss: of the samples whose positions it is given.
        labels: int64 (n,).
        folds: validation rows of each fold.
        strengths: the Cs, rising.
        decide: from scores to classes.
    """
    candidates: _Candidates
    if isinstance(values, StreamedRows):
        candidates = _streamed(values, loss, folds)
    elif values.shape[0] < values.shape[1]:
        candidates = _Rotated(values, loss, folds)
    else:
        candidates = _in_memory(values, loss, folds)
    held_out: dict[float, np.ndarray] = {}
    accuracies: dict[float, float] = {}

    def judge(strength: float, tolerance: float) -> None:
        held_out[strength] = candidates.held_out(strength, tolerance)
        right = decide(held_out[strength]) == labels
        accuracies[strength] = float(np.mean([right[rows].mean() for rows in folds]))

    for strength in strengths:
        judge(strength, ROUGH)
    near = max(accuracies.values()) - max(NEAR, NEAR_PHOTOS / len(labels))
    for strength in strengths:
        if accuracies[strength] >= near:
            judge(strength, FINE)
    best = max(strengths, key=lambda strength: (accuracies[strength], -strength))
    weights, intercepts = candidates.fit(best)
    return Chosen(best, accuracies, weights, intercepts, held_out[best], candidates.evaluations)


class _Candidates(Protocol):
    """Heads of several Cs, fitted on folds."""

    evaluations: int

    def held_out(self, strength: float, tolerance: float) -> np.ndarray:
        """Scores (n, k) of each sample by the fold that held it out."""
        ...

    def fit(self, strength: float) -> tuple[np.ndarray, np.ndarray]:
        """Weights and intercepts fitted on all samples."""
        ...


class _Shared:
    """All folds on one standardized matrix, in memory or in its file."""

    def __init__(
        self,
        rows: Rows,
        scaling: Scaling,
        own: Sequence[Scaling],
        loss: Loss,
        folds: Sequence[np.ndarray],
    ) -> None:
        count = rows.shape[0]
        self.scaling, self.folds = scaling, folds
        penalty = np.stack([np.square(fold.scale / scaling.scale) for fold in own], axis=1)
        self.search = Solver(rows, loss, fold_masks(count, folds), penalty.astype(np.float32))
        self.final = Solver(rows, loss, np.ones((count, 1), np.float32))
        self.found: dict[float, Solution] = {}
        self.last = self.search.begin()
        self.evaluations = 0

    def held_out(self, strength: float, tolerance: float) -> np.ndarray:
        start = self.found.get(strength, self.last)
        self.last = self.found[strength] = self.search.solve(strength, start, tolerance=tolerance)
        self.evaluations += self.last.evaluations
        return of_its_fold(self.search.scores(self.last), self.folds)

    def fit(self, strength: float) -> tuple[np.ndarray, np.ndarray]:
        start = self.found[strength]
        mean = Solution(
            start.weights.mean(axis=1, keepdims=True),
            start.intercepts.mean(axis=0, keepdims=True),
            curvature=start.curvature,
        )
        self.final.gram = self.search.gram
        found = self.final.solve(strength, mean, tolerance=FINAL)
        self.evaluations += found.evaluations
        return unscaled(found.weights[:, 0], found.intercepts[0], self.scaling)


def _in_memory(
    values: np.ndarray, loss: Callable[[slice], Loss], folds: Sequence[np.ndarray]
) -> _Shared:
    scaling = Scaling.of(values)
    rows = Matrix(((values - scaling.mean) / scaling.scale).astype(np.float32))
    own = own_scalings(rows.values, scaling, folds)
    return _Shared(rows, scaling, own, loss(slice(None)), folds)


def _streamed(
    rows: StreamedRows, loss: Callable[[slice], Loss], folds: Sequence[np.ndarray]
) -> _Shared:
    masks = fold_masks(rows.shape[0], folds)
    whole = np.ones((rows.shape[0], 1), np.float32)
    scaling, *own = rows.scalings(np.concatenate([whole, masks], axis=1))
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
        self.last = [solver.begin() for solver in self.solvers]
        self.evaluations = 0

    def held_out(self, strength: float, tolerance: float) -> np.ndarray:
        parts: list[np.ndarray] = []
        for index, solver in enumerate(self.solvers):
            start = self.found[index].get(strength, self.last[index])
            found = solver.solve(strength, start, tolerance=tolerance)
            self.last[index] = self.found[index][strength] = found
            self.evaluations += found.evaluations
            weights, intercepts = self.rotated[index].back(found.weights[:, 0], found.intercepts[0])
            # Of all samples: a product of the whole takes less time than a copy of the held.
            scores = self.values @ weights.astype(np.float32)
            parts.append(scores[self.folds[index]] + intercepts)
        result = np.empty((len(self.values), parts[0].shape[1]))
        for rows, part in zip(self.folds, parts, strict=True):
            result[rows] = part
        return result

    def fit(self, strength: float) -> tuple[np.ndarray, np.ndarray]:
        rows = np.arange(len(self.values))
        rotated = rotate(self.values, rows)
        solver = _one(rotated, self.loss(slice(None)))
        found = solver.solve(strength, solver.begin(), tolerance=FINAL)
        self.evaluations += found.evaluations
        return rotated.back(found.weights[:, 0], found.intercepts[0])


def own_scalings(rows: np.ndarray, scaling: Scaling, folds: Sequence[np.ndarray]) -> list[Scaling]:
    """Each fold's scaling, from moments of what it leaves out of standardized rows."""
    held = [rows[fold] for fold in folds]
    sums = np.stack([part.sum(axis=0, dtype=np.float64) for part in held])
    squares = np.stack([np.einsum("ij,ij->j", part, part, dtype=np.float64) for part in held])
    result = []
    for index, fold in enumerate(folds):
        count = len(rows) - len(fold)
        mean = (sums.sum(axis=0) - sums[index]) / count
        variance = (squares.sum(axis=0) - squares[index]) / count - np.square(mean)
        result.append(
            Scaling.of_moments(
                scaling.mean + scaling.scale * mean,
                np.square(scaling.scale) * np.maximum(variance, 0),
            )
        )
    return result


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
    """From scores of all folds (n, F, k) each sample's by the fold that held it out."""
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
