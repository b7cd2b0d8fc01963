"""Fit a head of any kind on features, and choose what there is to choose by cross-validation."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from sightkit._errors import SightkitError
from sightkit.transfer.heads.linear import LinearHead, class_scores
from sightkit.transfer.heads.losses import Binary, Loss, Multiclass, Softmax, targets_of
from sightkit.transfer.heads.neighbours import NeighboursHead
from sightkit.transfer.heads.rows import StreamedRows
from sightkit.transfer.heads.scaling import Scaling
from sightkit.transfer.heads.selection import choose, stratified_folds
from sightkit.transfer.heads.storage import Head
from sightkit.transfer.heads.trees import TreesHead

HeadKind = Literal["logistic", "softmax", "svm", "squared_svm", "knn", "random_forest", "adaboost"]
STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
NEIGHBOURS = (1, 3, 5, 9)
SMOOTH = ("logistic", "softmax", "squared_svm")
TREES = 300


@dataclass(frozen=True)
class Fitted:
    """A head and what is known of it from cross-validation.

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
    values: np.ndarray | StreamedRows,
    labels: np.ndarray,
    class_names: Sequence[str],
    *,
    multiclass: Multiclass | None = None,
    folds: int = 3,
    strengths: Sequence[float] = STRENGTHS,
    seed: int = 0,
    calibrated: bool = False,
) -> Fitted:
    """Fit a head on training samples alone.

    Args:
        kind: ``"logistic"`` (as scikit-learn's LogisticRegression), ``"softmax"``, ``"svm"``
            (hinge), ``"squared_svm"`` (squared hinge), ``"knn"``, ``"random_forest"``,
            ``"adaboost"``.
        values: float32 (n, d), finite; or rows of a file that exceeds the memory, for logistic,
            softmax and squared_svm.
        labels: int64 (n,).
        class_names: in label order.
        multiclass: ``"multinomial"``, ``"ovr"`` (one-vs-rest) or ``"ovo"`` (one-vs-one); by
            default multinomial for logistic and softmax, one-vs-rest for the SVMs.
        folds: of the stratified cross-validation.
        strengths: Cs to choose from.
        seed: of the trees and of the hinge's coordinate order.
        calibrated: make the probabilities of logistic and softmax heads as sure as their answers
            to held-out samples were right, by one factor (Guo et al. 2017) that leaves the order of
            the classes alone. Of equally accurate Cs the smallest is taken, as a grid search does,
            and it is hardly sure of anything. One-vs-rest keeps its own sigmoids.

    Raises:
        SightkitError: a class with too few samples, an unknown kind, or a way to several classes
            that the kind has not.
    """
    multiclass = check_head(kind, multiclass, strengths)
    validation = stratified_folds(labels, folds, class_names)
    if kind in SMOOTH:
        return _smooth(
            kind, values, labels, len(class_names), multiclass, validation, strengths, calibrated
        )
    if isinstance(values, StreamedRows):
        raise SightkitError(
            "The features exceed the memory, and this head needs all of them at once.",
            "Give --head logistic, softmax or squared_svm, which read them block by block, or "
            "extract with --pool avg.",
            head=kind,
            bytes=4 * values.shape[0] * values.shape[1],
        )
    makers: dict[str, Callable[[float], Callable[[np.ndarray, np.ndarray], Head]]] = {
        "svm": lambda c: _hinge(c, len(class_names), multiclass, seed),
        "knn": lambda k: _neighbours(int(k), len(class_names)),
        "random_forest": lambda _: _forest(seed),
        "adaboost": lambda _: _boosted(seed),
    }
    settings: Sequence[float] = {"svm": sorted(strengths), "knn": NEIGHBOURS}.get(kind, (0.0,))
    smallest = min(len(labels) - len(rows) for rows in validation)
    settings = [s for s in settings if kind != "knn" or s <= smallest]
    return _by_grid(makers[kind], settings, values, labels, len(class_names), validation, kind)


def check_head(
    kind: str, multiclass: Multiclass | None, strengths: Sequence[float] = STRENGTHS
) -> Multiclass:
    """The way to several classes; raises for what a head cannot be."""
    if kind not in get_args(HeadKind):
        raise SightkitError(f"A head is one of {', '.join(get_args(HeadKind))}.", head=kind)
    if not strengths or min(strengths) <= 0 or not np.isfinite(strengths).all():
        raise SightkitError("Each C must be a number above 0.", strengths=tuple(strengths))
    default: Multiclass = "multinomial" if kind in ("logistic", "softmax") else "ovr"
    chosen = multiclass or default
    allowed = {
        "logistic": ("multinomial", "ovr", "ovo"),
        "softmax": ("multinomial",),
        "svm": ("ovr", "ovo"),
        "squared_svm": ("ovr", "ovo"),
    }.get(kind, (default,))
    if chosen not in allowed:
        raise SightkitError(
            f"The head {kind} tells several classes apart by {' or '.join(allowed)}.",
            multiclass=chosen,
        )
    return chosen


def _smooth(
    kind: str,
    values: np.ndarray | StreamedRows,
    labels: np.ndarray,
    classes: int,
    multiclass: Multiclass,
    validation: list[np.ndarray],
    strengths: Sequence[float],
    calibrated: bool,
) -> Fitted:
    """Heads with a smooth loss, by the solver, all Cs at once."""
    # scikit-learn's logistic regression of two classes has one column, and so half the penalty.
    one_column = classes == 2 and kind != "softmax"
    if multiclass == "multinomial" and not one_column:

        def loss(rows: np.ndarray | slice) -> Loss:
            return Softmax(labels[rows], classes)
    else:
        targets = targets_of(labels, classes, multiclass)

        def loss(rows: np.ndarray | slice) -> Loss:
            return Binary(targets[rows], "squared_hinge" if kind == "squared_svm" else "log")

    def decide(scores: np.ndarray) -> np.ndarray:
        return class_scores(scores, classes, multiclass).argmax(axis=1)

    found = choose(values, loss, labels, validation, sorted(strengths), decide)
    head = LinearHead(
        found.weights,
        found.intercepts,
        classes,
        multiclass,
        sigmoids=kind == "logistic" and multiclass == "ovr",
    )
    if kind == "squared_svm" or multiclass == "ovo" or calibrated:
        head = _with_temperature(head, found.held_out, labels)
    facts = {"C": found.strength, "passes": found.passes}
    held_out = head.of_scores(found.held_out).astype(np.float32)
    return Fitted(head, found.accuracies, found.strength, held_out, facts)


def _by_grid(
    maker: Callable[[float], Callable[[np.ndarray, np.ndarray], Head]],
    settings: Sequence[float],
    values: np.ndarray,
    labels: np.ndarray,
    classes: int,
    validation: list[np.ndarray],
    kind: str,
) -> Fitted:
    """Heads of scikit-learn: every setting on every fold."""
    held_out: dict[float, np.ndarray] = {}
    accuracies: dict[float, float] = {}
    for setting in settings:
        answers = np.zeros((len(labels), classes), np.float32)
        for rows in validation:
            taken = np.setdiff1d(np.arange(len(labels)), rows)
            answers[rows] = maker(setting)(values[taken], labels[taken]).probabilities(values[rows])
        right = answers.argmax(axis=1) == labels
        accuracies[setting] = float(np.mean([right[rows].mean() for rows in validation]))
        held_out[setting] = answers
    best = max(settings, key=lambda setting: (accuracies[setting], -setting))
    head = maker(best)(values, labels)
    answers = held_out[best]
    if isinstance(head, LinearHead):
        scores = np.log(np.maximum(answers, 1e-30))
        head = _with_temperature(head, scores, labels, of_classes=True)
    name = {"svm": "C", "knn": "k"}.get(kind)
    facts = {name: best} if name else {}
    if len(settings) == 1:
        return Fitted(head, {}, None, answers, {"accuracy": accuracies[best], **facts})
    return Fitted(head, accuracies, best, answers, facts)


def _with_temperature(
    head: LinearHead, scores: np.ndarray, labels: np.ndarray, *, of_classes: bool = False
) -> LinearHead:
    """Margins made probabilities: the factor with the smallest loss on held-out scores.

    As in Platt (1999) a sample counts as right a little less than wholly, the less the more samples
    its class has: where every answer was right, nothing else would bound the factor.
    """
    if not of_classes:
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


def _hinge(
    strength: float, classes: int, multiclass: Multiclass, seed: int
) -> Callable[[np.ndarray, np.ndarray], Head]:
    def fit(values: np.ndarray, labels: np.ndarray) -> Head:
        from sklearn.multiclass import OneVsOneClassifier
        from sklearn.svm import LinearSVC

        scaling = Scaling.of(values)
        rows = (values - scaling.mean) / scaling.scale
        svm = LinearSVC(C=strength, loss="hinge", max_iter=20_000, random_state=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a margin that is nearly the widest will do
            if multiclass == "ovo" and classes > 2:
                each = OneVsOneClassifier(svm).fit(rows, labels).estimators_
                # There the second class of a pair is the positive one.
                weights = -np.stack([one.coef_[0] for one in each], axis=1)
                intercepts = -np.concatenate([one.intercept_ for one in each])
            else:
                svm.fit(rows, labels)
                weights, intercepts = svm.coef_.T, svm.intercept_
        raw = weights / scaling.scale[:, np.newaxis]
        return LinearHead(raw, intercepts - scaling.mean @ raw, classes, multiclass)

    return fit


def _neighbours(k: int, classes: int) -> Callable[[np.ndarray, np.ndarray], Head]:
    def fit(values: np.ndarray, labels: np.ndarray) -> Head:
        scaling = Scaling.of(values)
        samples = ((values - scaling.mean) / scaling.scale).astype(np.float32)
        return NeighboursHead(samples, labels, scaling.mean, scaling.scale, classes, k)

    return fit


def _forest(seed: int) -> Callable[[np.ndarray, np.ndarray], Head]:
    def fit(values: np.ndarray, labels: np.ndarray) -> Head:
        from sklearn.ensemble import RandomForestClassifier

        forest = RandomForestClassifier(TREES, random_state=seed)
        return TreesHead.of(forest.fit(values, labels))

    return fit


def _boosted(seed: int) -> Callable[[np.ndarray, np.ndarray], Head]:
    def fit(values: np.ndarray, labels: np.ndarray) -> Head:
        from sklearn.ensemble import AdaBoostClassifier
        from sklearn.tree import DecisionTreeClassifier

        tree = DecisionTreeClassifier(max_depth=2)
        return TreesHead.of(AdaBoostClassifier(tree, random_state=seed).fit(values, labels))

    return fit
