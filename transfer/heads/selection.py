"""C by stratified cross-validation, all candidates side by side."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from sightkit._errors import SightkitError
from sightkit.transfer.heads.candidates import Candidates, candidates_of
from sightkit.transfer.heads.losses import Loss
from sightkit.transfer.heads.rows import StreamedRows
from sightkit.transfer.heads.solver import one_scipy_thread

Stage = tuple[float, float, float]
STAGES: tuple[Stage, ...] = ((1e-2, np.inf, np.inf), (1e-4, 0.02, 12), (1e-6, 0.0, 4))
"""Gap to the optimum (see ``Solver``), and which Cs are solved so far: those whose accuracy, as it
was known before, lies behind the best by so much, or by so many photos, at the most.

On 3,000 photos accuracies at the first gap were off by 0.015 at most, at the second by 0.002."""
FEW = 2_000
"""Below so many photos every C is solved to the end: roughly solved ones tell too little there (of
100 photos up to a tenth), and a pass takes milliseconds."""

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
        passes: over the data.
    """

    strength: float
    accuracies: dict[float, float]
    weights: np.ndarray
    intercepts: np.ndarray
    held_out: np.ndarray
    passes: int


def stratified_folds(
    labels: np.ndarray, count: int, class_names: Sequence[str]
) -> list[np.ndarray]:
    """Validation rows of each fold, as scikit-learn's ``StratifiedKFold`` deals them.

    Raises:
        SightkitError: one class, or a class with fewer samples than folds.
    """
    from sklearn.model_selection import StratifiedKFold

    if len(class_names) < 2:
        raise SightkitError("There must be two classes at least.", classes=list(class_names))
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
    with one_scipy_thread():
        return _chosen(candidates_of(values, loss, folds), labels, folds, strengths, decide)


def _chosen(
    candidates: Candidates,
    labels: np.ndarray,
    folds: Sequence[np.ndarray],
    strengths: Sequence[float],
    decide: Decide,
) -> Chosen:
    held_out: dict[float, np.ndarray] = {}
    accuracies: dict[float, float] = {}

    near = list(strengths)
    stages = STAGES if len(labels) >= FEW else ((STAGES[-1][0], np.inf, np.inf),)
    for gap, share, photos in stages:
        highest = max(accuracies.get(strength, 1.0) for strength in near)
        least = highest - max(share, photos / len(labels))
        near = [strength for strength in near if accuracies.get(strength, 1.0) >= least]
        for strength, scores in zip(near, candidates.held_out(near, gap), strict=True):
            held_out[strength] = scores
            right = decide(scores) == labels
            accuracies[strength] = float(np.mean([right[rows].mean() for rows in folds]))
    best = max(near, key=lambda strength: (accuracies[strength], -strength))
    weights, intercepts = candidates.fit(best)
    return Chosen(best, accuracies, weights, intercepts, held_out[best], candidates.passes)
