"""What linear heads minimise, for several problems (a C and a fold each) at once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Literal, Protocol

import numpy as np

Multiclass = Literal["multinomial", "ovr", "ovo"]


class Loss(Protocol):
    """A loss over scores (n, P, k) of n samples, P problems and k columns of weights."""

    columns: int

    def start(self, mask: np.ndarray) -> np.ndarray:
        """Intercepts to begin with: float64 (P, k)."""
        ...

    def value(
        self, rows: slice, scores: np.ndarray, mask: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Sums, gradients and curvature.

        Returns:
            The sum of the losses, (P,), their gradients with respect to the scores, (n, P, k), and
            the sum over samples of their second derivative, the mean over columns, (P,).
        """
        ...


class Softmax:
    """Cross-entropy of the softmax over all classes.

    Args:
        labels: int64 (n,).
        classes: number of classes.
    """

    def __init__(self, labels: np.ndarray, classes: int) -> None:
        self.labels = labels
        self.columns = classes

    def start(self, mask: np.ndarray) -> np.ndarray:
        """Logarithms of the classes' shares."""
        counts = np.stack(
            [np.bincount(self.labels[fold > 0], minlength=self.columns) for fold in mask.T]
        )
        return np.log(np.maximum(counts, 0.5) / counts.sum(axis=1, keepdims=True))

    def value(
        self, rows: slice, scores: np.ndarray, mask: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Sums of losses, gradients and curvature, see ``Loss``."""
        labels = self.labels[rows]
        index = np.arange(len(labels))
        scores = scores - scores.max(axis=2, keepdims=True)
        shares = np.exp(scores)
        total = shares.sum(axis=2)
        losses = np.log(total) - scores[index, :, labels]
        shares /= total[:, :, np.newaxis]
        # Scores that all rise together change nothing: the mean is over one direction less.
        second = (1 - np.square(shares).sum(axis=2)) / (self.columns - 1)
        curvature = (second * mask).sum(axis=0, dtype=np.float64)
        shares[index, :, labels] -= 1
        shares *= mask[:, :, np.newaxis]
        return (losses * mask).sum(axis=0, dtype=np.float64), shares, curvature


class Binary:
    """Independent decisions, one a column: logistic loss or squared hinge.

    Args:
        targets: float32 (n, k): 1, −1, or 0 for samples that a column leaves out.
        kind: ``"log"``, or ``"squared_hinge"``: max(0, 1 − t·s)².
    """

    def __init__(self, targets: np.ndarray, kind: Literal["log", "squared_hinge"] = "log") -> None:
        self.targets = targets
        self.kind = kind
        self.columns = targets.shape[1]

    def start(self, mask: np.ndarray) -> np.ndarray:
        """Zeros, or the logarithms of the sides' ratio."""
        if self.kind != "log":
            return np.zeros((mask.shape[1], self.columns))
        more = mask.T @ (self.targets > 0) + 0.5
        less = mask.T @ (self.targets < 0) + 0.5
        return np.log(more / less).astype(np.float64)

    def value(
        self, rows: slice, scores: np.ndarray, mask: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Sums of losses, gradients and curvature, see ``Loss``."""
        targets = self.targets[rows][:, np.newaxis]
        taken = mask[:, :, np.newaxis] * (targets != 0)
        margins = targets * scores
        if self.kind == "log":
            losses = np.logaddexp(0, -margins)
            wrong = 1 / (1 + np.exp(np.minimum(margins, 80)))
            slopes, second = -targets * wrong, wrong * (1 - wrong)
        else:
            short = np.maximum(0, 1 - margins)
            losses, slopes, second = short**2, -2 * targets * short, 2.0 * (short > 0)
        curvature = (second * taken).sum(axis=(0, 2), dtype=np.float64) / self.columns
        return (losses * taken).sum(axis=(0, 2), dtype=np.float64), slopes * taken, curvature


def targets_of(labels: np.ndarray, classes: int, multiclass: Multiclass) -> np.ndarray:
    """Targets of independent decisions: 1, −1 or 0, float32 (n, k).

    Two classes are one column. One-vs-rest has a column a class, one-vs-one a column a pair, in
    the order of ``pairs_of``; a sample of neither class is left out of it.
    """
    if classes == 2:
        return np.where(labels == 1, 1, -1).astype(np.float32)[:, np.newaxis]
    if multiclass == "ovr":
        return np.where(labels[:, np.newaxis] == np.arange(classes), 1, -1).astype(np.float32)
    targets = np.zeros((len(labels), len(pairs_of(classes))), np.float32)
    for column, (first, second) in enumerate(pairs_of(classes)):
        targets[labels == first, column] = 1
        targets[labels == second, column] = -1
    return targets


def pairs_of(classes: int) -> Sequence[tuple[int, int]]:
    """The pairs of classes that one-vs-one decides between: the first is the positive one."""
    return list(combinations(range(classes), 2))
