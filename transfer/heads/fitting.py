"""Fit a head of any kind on features; choose C, or the neighbours, by cross-validation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from sightkit._errors import SightkitError
from sightkit.io import require_divisible, split
from sightkit.transfer.heads.classifier import Head
from sightkit.transfer.heads.linear import LinearHead, Multiclass, class_scores
from sightkit.transfer.heads.linear_fit import LinearFit
from sightkit.transfer.heads.neighbours import NeighboursHead
from sightkit.transfer.heads.scaling import Scaling
from sightkit.transfer.heads.stored_rows import StoredRows
from sightkit.transfer.heads.trees import TreesHead

HeadKind = Literal["logistic", "softmax", "svm", "squared_svm", "knn", "random_forest", "adaboost"]
STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
NEIGHBOURS = (1, 3, 5, 9)
LINEAR: dict[str, tuple[Multiclass, ...]] = {
    "logistic": ("multinomial", "ovr", "ovo"),
    "softmax": ("multinomial",),
    "svm": ("ovr", "ovo"),
    "squared_svm": ("ovr", "ovo"),
}
"""How a linear head distinguishes several classes, its default first."""
TREES = 300


@dataclass(frozen=True)
class Fitted:
    """A head and its cross-validation.

    Attributes:
        head: fitted on all training samples.
        accuracies: setting (C, or number of neighbours) to mean accuracy over the folds.
        chosen: the setting taken, or None where there was nothing to choose.
        held_out: float32 (n, classes), probabilities of each training sample by the fold that did
            not train on it.
        facts: JSON.
    """

    head: Head
    accuracies: dict[float, float]
    chosen: float | None
    held_out: np.ndarray
    facts: dict[str, Any]


def fit_head(
    kind: HeadKind,
    values: np.ndarray | StoredRows,
    labels: np.ndarray,
    class_names: Sequence[str],
    *,
    multiclass: Multiclass | None = None,
    folds: int = 3,
    strengths: Sequence[float] = STRENGTHS,
    seed: int = 0,
    calibrated: bool = False,
    groups: np.ndarray | None = None,
) -> Fitted:
    """Fit a head on training samples alone.

    Args:
        kind: ``"logistic"`` (as scikit-learn's LogisticRegression), ``"softmax"``, ``"svm"``
            (hinge), ``"squared_svm"`` (squared hinge), ``"knn"``, ``"random_forest"``,
            ``"adaboost"``.
        values: float32 (n, d), finite; or rows of a file that exceeds the memory: a linear head is
            then the mean of those fitted on each part of the rows.
        labels: int64 (n,).
        class_names: in label order.
        multiclass: ``"multinomial"``, ``"ovr"`` (one-vs-rest) or ``"ovo"`` (one-vs-one); by
            default multinomial for logistic and softmax, one-vs-rest for the SVMs.
        folds: of the stratified cross-validation.
        strengths: Cs to choose from.
        seed: of the trees and of the order of the SVMs' coordinates.
        calibrated: make the probabilities of logistic and softmax heads as sure as their answers
            to held-out samples were right, by one factor (Guo et al. 2017) that leaves the order of
            the classes alone. Of equally accurate Cs the smallest is taken, as a grid search does,
            and it is hardly sure of anything. One-vs-rest keeps its own sigmoids.
        groups: (n,), names, equal for samples that stay in one fold.

    Raises:
        SightkitError: a class with too few samples, an unknown kind, or a multiclass scheme that
            the kind has not.
    """
    multiclass = check_head(kind, multiclass, strengths)
    validation = stratified_folds(labels, folds, class_names, groups)
    if kind in LINEAR:
        how = LinearFit(kind, len(class_names), multiclass, seed)
        return _linear(how, values, labels, validation, sorted(strengths), calibrated)
    if isinstance(values, StoredRows):
        raise SightkitError(
            "The features exceed the memory, and this head needs all of them at once.",
            (
                f"give --head {' or '.join(LINEAR)}, which read them in parts",
                "extract them by scripts/extract_features.py --pool=avg",
            ),
            head=kind,
            bytes=4 * values.shape[0] * values.shape[1],
        )
    smallest = min(len(labels) - len(rows) for rows in validation)
    settings = [k for k in NEIGHBOURS if k <= smallest] if kind == "knn" else [0]
    return _by_grid(kind, settings, values, labels, len(class_names), validation, seed)


def check_head(
    kind: str, multiclass: Multiclass | None, strengths: Sequence[float] = STRENGTHS
) -> Multiclass:
    """Return the multiclass scheme; raise for a kind, scheme or C that is not valid."""
    if kind not in get_args(HeadKind):
        raise SightkitError(f"A head is one of {', '.join(get_args(HeadKind))}.", head=kind)
    if not strengths or min(strengths) <= 0 or not np.isfinite(strengths).all():
        raise SightkitError("Each C must be a number above 0.", strengths=tuple(strengths))
    allowed: tuple[Multiclass, ...] = LINEAR.get(kind, ("ovr",))
    chosen = multiclass or allowed[0]
    if chosen not in allowed:
        raise SightkitError(
            f"The head {kind} distinguishes several classes by {' or '.join(allowed)}.",
            multiclass=chosen,
        )
    return chosen


def stratified_folds(
    labels: np.ndarray, count: int, class_names: Sequence[str], groups: np.ndarray | None = None
) -> list[np.ndarray]:
    """Return the validation rows of each fold, as scikit-learn's ``StratifiedKFold`` deals them.

    Groups are dealt by ``io.split``, which leaves no fold without a class.

    Raises:
        SightkitError: one class, or a class with fewer samples, or groups, than folds.
    """
    from sklearn.model_selection import StratifiedKFold

    if len(class_names) < 2:
        raise SightkitError(
            "There must be two classes at least.",
            "Extract features of photos in class folders, PHOTOS/cats/1.jpg, PHOTOS/dogs/1.jpg.",
            classes=list(class_names),
        )
    counts = np.bincount(labels, minlength=len(class_names))
    if counts.min() < count:
        few = {class_names[k]: int(counts[k]) for k in np.flatnonzero(counts < count).tolist()}
        raise SightkitError(
            f"Each class needs {count} training photos at least, one a fold of the "
            "cross-validation.",
            (
                "add photos of it",
                "extract without it, by scripts/extract_features.py --exclude NAME",
                *([f"give --folds {counts.min()}"] if counts.min() > 1 else ()),
            ),
            too_few=few,
        )
    if count < 2:
        raise SightkitError("There must be two folds at least.", "Give --folds 2.", folds=count)
    if groups is None:
        return [test for _, test in StratifiedKFold(count).split(labels, labels)]
    require_divisible(groups.tolist(), labels, class_names, count)
    folds = {f"fold {number}": 1 / count for number in range(1, count + 1)}
    parts = split(labels, folds, seed=0, groups=groups.tolist(), class_names=class_names)
    return [np.sort(rows) for rows in parts.values()]


def _linear(
    how: LinearFit,
    values: np.ndarray | StoredRows,
    labels: np.ndarray,
    validation: list[np.ndarray],
    strengths: Sequence[float],
    calibrated: bool,
) -> Fitted:
    """Fit a linear head; of equally accurate Cs the smallest, as the first of a grid."""
    held_out = how.held_out(values, labels, strengths, validation)
    accuracies = {
        strength: _accuracy(class_scores(scores, how.classes, how.multiclass), labels, validation)
        for strength, scores in zip(strengths, held_out, strict=True)
    }
    best = max(strengths, key=lambda strength: (accuracies[strength], -strength))
    scores = held_out[list(strengths).index(best)]
    weights, intercepts = how.fit(values, labels, best)
    sigmoids = how.kind == "logistic" and how.multiclass == "ovr"
    head = LinearHead(weights, intercepts, how.classes, how.multiclass, sigmoids)
    own = how.kind in ("logistic", "softmax") and how.multiclass != "ovo" and not calibrated
    if not own and not (sigmoids and how.classes > 2):
        head = _with_temperature(head, scores, labels)
    return Fitted(head, accuracies, best, head.of_scores(scores).astype(np.float32), {"C": best})


def _by_grid(
    kind: str,
    settings: Sequence[int],
    values: np.ndarray,
    labels: np.ndarray,
    classes: int,
    validation: list[np.ndarray],
    seed: int,
) -> Fitted:
    """Fit every setting on every fold, and the best on all samples."""
    held_out: dict[float, np.ndarray] = {}
    accuracies: dict[float, float] = {}
    for setting in settings:
        answers = np.zeros((len(labels), classes), np.float32)
        for rows in validation:
            taken = np.setdiff1d(np.arange(len(labels)), rows)
            head = _fit_one(kind, setting, values[taken], labels[taken], classes, seed)
            answers[rows] = head.predict_proba(values[rows])
        accuracies[setting] = _accuracy(answers, labels, validation)
        held_out[setting] = answers
    best = max(settings, key=lambda setting: (accuracies[setting], -setting))
    head = _fit_one(kind, best, values, labels, classes, seed)
    facts = {"k": best} if kind == "knn" else {}
    if len(settings) == 1:
        return Fitted(head, {}, None, held_out[best], {"accuracy": accuracies[best], **facts})
    return Fitted(head, accuracies, best, held_out[best], facts)


def _accuracy(scores: np.ndarray, labels: np.ndarray, validation: list[np.ndarray]) -> float:
    """Return the mean over the folds."""
    right = scores.argmax(axis=1) == labels
    return float(np.mean([right[rows].mean() for rows in validation]))


def _with_temperature(head: LinearHead, scores: np.ndarray, labels: np.ndarray) -> LinearHead:
    """Make margins probabilities, by the factor with the smallest loss on held-out scores.

    As in Platt (1999) a sample counts as right a little less than wholly, the less the more samples
    its class has: where every answer was right, nothing else would bound the factor.
    """
    scores = class_scores(scores, head.classes, head.multiclass)
    doubt = 1 / (np.bincount(labels, minlength=head.classes)[labels] + 2)

    def loss(logarithm: float) -> float:
        shares = log_softmax(np.exp(logarithm) * scores, axis=1)
        right = shares[np.arange(len(labels)), labels]
        wrong = (shares.sum(axis=1) - right) / (head.classes - 1)
        return -float(((1 - doubt) * right + doubt * wrong).mean())

    size = max(float(np.median(np.abs(scores))), 1e-30)  # tiny at a small C, large at separation
    bounds = (np.log(1e-2 / size), np.log(1e3 / size))
    best = minimize_scalar(loss, bounds=bounds, method="bounded")
    return replace(head, temperature=float(np.exp(best.x)))


def _fit_one(
    kind: str, k: int, values: np.ndarray, labels: np.ndarray, classes: int, seed: int
) -> Head:
    from sklearn.ensemble import AdaBoostClassifier, RandomForestClassifier
    from sklearn.tree import DecisionTreeClassifier

    if kind == "knn":
        scaling = Scaling.of(values)
        samples = ((values - scaling.mean) / scaling.scale).astype(np.float32)
        return NeighboursHead(samples, labels, scaling.mean, scaling.scale, classes, k)
    if kind == "random_forest":
        forest = RandomForestClassifier(TREES, random_state=seed)
        return TreesHead.of(forest.fit(values, labels))
    boosted = AdaBoostClassifier(DecisionTreeClassifier(max_depth=2), random_state=seed)
    try:
        return TreesHead.of(boosted.fit(values, labels))
    except ValueError as error:  # scikit-learn gives up where the first tree is no better
        raise SightkitError(
            f"AdaBoost needs features that distinguish the classes better than chance ({error}).",
            ("choose another --head", "other features"),
        ) from error
