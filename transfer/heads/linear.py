"""Linear heads: features to probabilities by one matrix."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any, ClassVar, Literal

import numpy as np

from sightkit.transfer.heads.classifier import Head, fitted, softmax

Multiclass = Literal["multinomial", "ovr", "ovo"]


@dataclass(frozen=True)
class LinearHead(Head):
    """Scores = features @ weights + intercepts, and from them a probability a class.

    Attributes:
        weights: float64 (d, k): a column a class; one alone for two classes; or a column a pair.
        intercepts: float64 (k,).
        classes: number of classes.
        multiclass: ``"multinomial"``, ``"ovr"`` or ``"ovo"``: what a column distinguishes.
        sigmoids: probabilities of one-vs-rest are sigmoids divided by their sum; else they are the
            softmax of the classes' scores times ``temperature``.
        temperature: 1 where the scores are logarithms of odds; else fitted on held-out scores.
    """

    weights: np.ndarray
    intercepts: np.ndarray
    classes: int
    multiclass: Multiclass = "multinomial"
    sigmoids: bool = False
    temperature: float = 1.0

    kind = "linear"
    stored: ClassVar = {
        "weights": ("float64", ("dimensions", "k")),
        "intercepts": ("float64", ("k",)),
    }

    @property
    def dimensions(self) -> int:  # type: ignore[override]
        """Of the features."""
        return len(self.weights)

    def check(self) -> None:
        """Compare the columns with the classes."""
        pairs = self.classes * (self.classes - 1) // 2
        columns = {pairs} if self.multiclass == "ovo" else {self.classes}
        columns |= {1} if self.classes == 2 else set()
        if len(self.intercepts) not in columns:
            raise ValueError(f"{len(self.intercepts)} columns for {self.classes} classes")

    def predict_proba(self, features: np.ndarray) -> np.ndarray:
        """Return probabilities, float32 (n, classes), of features (n, d)."""
        scores = features.astype(np.float64) @ self.weights + self.intercepts
        return self.of_scores(scores).astype(np.float32)

    def of_scores(self, scores: np.ndarray) -> np.ndarray:
        """Return the probabilities (n, classes) of scores (n, k)."""
        if self.sigmoids and self.classes > 2:
            shares = 1 / (1 + np.exp(-np.maximum(scores, -700)))
            return shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-300)
        return softmax(self.temperature * class_scores(scores, self.classes, self.multiclass))

    def estimator(self) -> Any:
        """Return scikit-learn's logistic regression with these weights, the temperature in them.

        Columns of pairs are a ``OneVsOneClassifier``, which predicts the same classes and gives no
        probabilities; sigmoids are a ``OneVsRestClassifier``.
        """
        from sklearn.linear_model import LogisticRegression
        from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
        from sklearn.preprocessing import LabelBinarizer

        weights, intercepts = self.temperature * self.weights.T, self.temperature * self.intercepts
        dimensions, pair = self.dimensions, np.arange(2)

        def binary(row: int, sign: int) -> Any:
            coef = {"coef_": sign * weights[[row]], "intercept_": sign * intercepts[[row]]}
            return fitted(LogisticRegression(), pair, dimensions, **coef)

        if self.classes > 2 and self.multiclass == "ovo":
            # There the second class of a pair is the positive one.
            each = [binary(row, -1) for row in range(len(weights))]
            several, facts = OneVsOneClassifier(LogisticRegression()), {"pairwise_indices_": None}
            return fitted(several, self.classes_, dimensions, estimators_=each, **facts)
        if self.classes > 2 and self.sigmoids:
            each = [binary(row, 1) for row in range(len(weights))]
            several, binarizer = OneVsRestClassifier(LogisticRegression()), LabelBinarizer()
            facts = {"label_binarizer_": binarizer.fit(self.classes_)}
            return fitted(several, self.classes_, dimensions, estimators_=each, **facts)
        if self.classes == 2 and len(weights) == 2:
            weights, intercepts = weights[1:] - weights[:1], intercepts[1:] - intercepts[:1]
        coef = {"coef_": weights, "intercept_": intercepts}
        return fitted(LogisticRegression(), self.classes_, dimensions, **coef)


def class_scores(scores: np.ndarray, classes: int, multiclass: Multiclass) -> np.ndarray:
    """Return a score a class, (n, classes), of columns (n, k).

    One column alone is the second class's against the first. Columns of pairs vote; sums of their
    scores, squeezed below half a vote, decide between equal votes, as in scikit-learn's one-vs-one.
    """
    if scores.shape[1] == 1:
        return np.concatenate([-scores, scores], axis=1) / 2
    if multiclass != "ovo":
        return scores
    votes, sums = np.zeros((2, len(scores), classes))
    for score, (first, second) in zip(scores.T, pairs_of(classes), strict=True):
        votes[:, first] += score > 0
        votes[:, second] += score <= 0
        sums[:, first] += score
        sums[:, second] -= score
    return votes + sums / (3 * (np.abs(sums) + 1))


def pairs_of(classes: int) -> list[tuple[int, int]]:
    """Return the pairs that one-vs-one decides between: the first is the positive one."""
    return list(combinations(range(classes), 2))
