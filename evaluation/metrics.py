"""Metrics of a classifier: rank-k accuracy, confusion matrix, precision, recall, specificity, F."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from sightkit._display import in_notebook
from sightkit._errors import SightkitError

MEASURES = ("precision", "recall", "specificity", "f1")
SMALLEST = 1e-7
"""Probabilities below it count as it in the loss, as in Keras."""


@dataclass(frozen=True)
class Evaluation:
    """A classifier's answers to labelled samples.

    Attributes:
        probabilities: float32 (N, classes).
        labels: int64 (N,), the truth.
        class_names: in label order.
        milliseconds: time an image, where it was measured.
    """

    probabilities: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]
    milliseconds: float | None = None

    @cached_property
    def predictions(self) -> np.ndarray:
        """int64 (N,): the most probable class; where an answer is not finite, a wrong one."""
        finite = np.isfinite(self.probabilities).all(axis=1)
        wrong = (self.labels + 1) % len(self.class_names)
        return np.where(finite, self.probabilities.argmax(axis=1), wrong)

    @cached_property
    def losses(self) -> np.ndarray:
        """float64 (N,): cross-entropy of each sample, in nats."""
        true = self.probabilities[np.arange(len(self.labels)), self.labels].astype(np.float64)
        return -np.log(np.clip(true, SMALLEST, 1.0))

    @cached_property
    def confusion(self) -> np.ndarray:
        """int64 (classes, classes): rows are the truth, columns the predictions."""
        classes = len(self.class_names)
        pairs = self.labels * classes + self.predictions
        return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)

    @cached_property
    def class_scores(self) -> ClassScores:
        """Precision, recall and F of each class, and their averages."""
        confusion = self.confusion
        return class_scores(confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0))

    @property
    def majority_baseline(self) -> float:
        """Accuracy of an answer that is always the most frequent class of these samples."""
        return float(np.bincount(self.labels).max() / len(self.labels))

    def worst_mistakes(self, count: int) -> np.ndarray:
        """int64 (n,), n <= count: positions of wrong answers, the highest loss first."""
        wrong = np.flatnonzero(self.predictions != self.labels)
        return wrong[np.argsort(-self.losses[wrong], kind="stable")][:count]

    def to_metrics(self) -> dict[str, Any]:
        """Return rank-1, rank-5 (None for five classes or fewer), loss and count."""
        rank5 = rank_accuracy(self.probabilities, self.labels, 5)
        return {
            "rank1": rank_accuracy(self.probabilities, self.labels, 1),
            "rank5": rank5 if len(self.class_names) > 5 else None,
            "loss": float(self.losses.mean()),
            "count": len(self.labels),
        }

    @in_notebook
    def _repr_html_(self) -> Iterator[str]:
        """Measures, classes and confusion, in a notebook."""
        from sightkit.evaluation.shown import parts_of

        yield from parts_of(self)

    def per_class(self) -> list[dict[str, Any]]:
        """Return a row a class: its name, the measures of ``ClassScores``, and its images.

        A measure that is undefined is None.
        """
        scores = self.class_scores
        columns = {
            name: [None if math.isnan(x) else x for x in getattr(scores, name).tolist()]
            for name in MEASURES
        }
        columns = {"class": self.class_names, **columns, "images": scores.truths.tolist()}
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


@dataclass(frozen=True)
class ClassScores:
    """Measures of each class: arrays (classes,), or (R, classes) of R evaluations at once.

    Attributes:
        precision: right answers among those that named the class; NaN where none did.
        recall: right answers among the images of the class; NaN where there is none.
        specificity: other answers among the images of other classes, TN / (TN + FP); NaN where
            all images are of the class.
        f1: harmonic mean of both, 2·hits / (truths + predicted); NaN where both are undefined.
        truths: images of the class.
        predicted: answers that named it.
    """

    precision: np.ndarray
    recall: np.ndarray
    specificity: np.ndarray
    f1: np.ndarray
    truths: np.ndarray
    predicted: np.ndarray

    @property
    def balanced_accuracy(self) -> np.ndarray:
        """Mean recall of the classes that have images."""
        return _mean_where(self.truths > 0, self.recall)

    def average(self, values: np.ndarray, *, weighted: bool = False) -> np.ndarray:
        """Average one of the measures over the classes that occur, as images or as answers.

        What is undefined counts as 0, as in scikit-learn and Keras: a class that is never named
        has earned no precision.

        Args:
            values: ``precision``, ``recall`` or ``f1``.
            weighted: by the number of images, in place of each class alike.
        """
        defined = np.nan_to_num(values)
        if weighted:
            return (defined * self.truths).sum(axis=-1) / self.truths.sum(axis=-1)
        return _mean_where((self.truths > 0) | (self.predicted > 0), defined)


def class_scores(hits: np.ndarray, truths: np.ndarray, predicted: np.ndarray) -> ClassScores:
    """Compute the measures from counts a class, integer (…, classes)."""
    others = truths.sum(axis=-1, keepdims=True) - truths
    return ClassScores(
        precision=_ratio(hits, predicted),
        recall=_ratio(hits, truths),
        specificity=_ratio(others - (predicted - hits), others),
        f1=_ratio(2 * hits, truths + predicted),
        truths=truths,
        predicted=predicted,
    )


def _ratio(part: np.ndarray, total: np.ndarray) -> np.ndarray:
    return np.where(total > 0, part / np.maximum(total, 1), math.nan)


def _mean_where(counted: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.where(counted, values, 0.0).sum(axis=-1) / counted.sum(axis=-1)


def rank_accuracy(probabilities: np.ndarray, labels: np.ndarray, rank: int = 1) -> float:
    """Compute the share of samples whose true class is among the ``rank`` most probable ones.

    Classes are ordered by falling score, tied ones by their index, so that rank 1 is exactly
    the accuracy of ``argmax`` and a network that gives every class the same score gets ``rank`` in
    ``classes``. (Keras' ``SparseTopKCategoricalAccuracy`` counts every tie as right: such a network
    gets 1.0 there.) A sample with a NaN or an infinity is never right.

    Args:
        probabilities: float (N, classes), or any scores.
        labels: integer (N,), class indices.
        rank: at least 1.

    Returns:
        Between 0 and 1.

    Raises:
        SightkitError: no samples, lengths that differ, or rank below 1.

    Example:
        >>> rank_accuracy(np.array([[0.1, 0.6, 0.3]]), np.array([2]), rank=2)
        1.0
    """
    probabilities, labels = np.asarray(probabilities), np.asarray(labels)
    if not len(labels) or len(labels) != len(probabilities) or rank < 1:
        raise SightkitError(
            "rank_accuracy takes as many rows of probabilities as labels, at least one, "
            "and a rank of at least 1.",
            probabilities=probabilities.shape,
            labels=labels.shape,
            rank=rank,
        )
    finite = np.isfinite(probabilities).all(axis=1)
    true = probabilities[np.arange(len(labels)), labels][:, np.newaxis]
    earlier = np.arange(probabilities.shape[1]) < labels[:, np.newaxis]
    before = (probabilities > true) | ((probabilities == true) & earlier)
    return float(np.mean(finite & (before.sum(axis=1) < rank)))
