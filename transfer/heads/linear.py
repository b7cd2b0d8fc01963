"""Linear heads: features to probabilities by one matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, softmax

from sightkit.transfer.heads.losses import Multiclass, pairs_of


@dataclass(frozen=True)
class LinearHead:
    """Scores = features @ weights + intercepts, and from them a probability a class.

    Attributes:
        weights: float64 (d, k): a column a class; one alone for two classes; or a column a pair.
        intercepts: float64 (k,).
        classes: number of classes.
        multiclass: ``"multinomial"``, ``"ovr"`` or ``"ovo"``: what the columns decide between.
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

    @property
    def dimensions(self) -> int:
        """Of the features."""
        return len(self.weights)

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """Features (n, d) to float32 (n, classes)."""
        scores = features.astype(np.float64) @ self.weights + self.intercepts
        return self.of_scores(scores).astype(np.float32)

    def of_scores(self, scores: np.ndarray) -> np.ndarray:
        """Scores (n, k) to probabilities (n, classes)."""
        if self.sigmoids and self.classes > 2:
            shares = expit(scores)
            return shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-300)
        return softmax(
            self.temperature * class_scores(scores, self.classes, self.multiclass), axis=1
        )

    def arrays(self) -> dict[str, np.ndarray]:
        """What is kept."""
        return {"weights": self.weights, "intercepts": self.intercepts}

    def settings(self) -> dict[str, Any]:
        """What is kept beside the arrays, JSON."""
        return {
            "classes": self.classes,
            "multiclass": self.multiclass,
            "sigmoids": self.sigmoids,
            "temperature": self.temperature,
        }


def class_scores(scores: np.ndarray, classes: int, multiclass: Multiclass) -> np.ndarray:
    """From columns (n, k) to a score a class, (n, classes).

    One column alone is the second class's against the first. Columns of pairs vote; sums of what
    they say, squeezed below half a vote, decide between equal votes, as in scikit-learn's
    one-vs-one.
    """
    if scores.shape[1] == 1:
        return np.concatenate([-scores, scores], axis=1) / 2
    return votes_of(scores, classes) if multiclass == "ovo" else scores


def votes_of(scores: np.ndarray, classes: int) -> np.ndarray:
    """Votes of one-vs-one columns, in the order of ``pairs_of``: (n, classes)."""
    votes = np.zeros((len(scores), classes))
    sums = np.zeros((len(scores), classes))
    for column, (first, second) in enumerate(pairs_of(classes)):
        score = scores[:, column]
        votes[:, first] += score > 0
        votes[:, second] += score <= 0
        sums[:, first] += score
        sums[:, second] -= score
    return votes + sums / (3 * (np.abs(sums) + 1))
