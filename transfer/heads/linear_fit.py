"""Fit linear heads by scikit-learn, for every C; on features that exceed the memory in parts."""

from __future__ import annotations

import contextlib
import math
import threading
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from sightkit.transfer.heads.linear import Multiclass, pairs_of
from sightkit.transfer.heads.scaling import Span
from sightkit.transfer.heads.stored_rows import StoredRows, blocks_of, mixed_parts

FEW = 2_000
"""Below so many photos, where one of them moves an accuracy most, Cs are compared at their optimum;
from there on as near to it as scikit-learn's own tolerance leaves them."""
FINE, COARSE = 1e-6, 1e-4
UNPENALIZED = 100.0
"""Scale of liblinear's intercept: 1/10,000 of a weight's penalty is left of its own."""
STEPS = 20_000
"""The 1,000 of scikit-learn end, at C = 1, 1 % above the smallest squared hinge."""

_ALONE = threading.Lock()
"""Two threads that set and put back the number of BLAS threads would leave it at one."""


@dataclass(frozen=True)
class LinearFit:
    """How a linear head of some kind is fitted.

    Attributes:
        kind: ``"logistic"``, ``"softmax"``, ``"svm"`` or ``"squared_svm"``.
        classes: number of classes.
        multiclass: how several classes are distinguished.
        seed: of the order in which the hinge's coordinates are taken.
    """

    kind: str
    classes: int
    multiclass: Multiclass
    seed: int = 0

    @property
    def columns(self) -> int:
        """Columns of weights: one a class or pair, one alone for two classes."""
        if self.classes == 2:
            return 2 if self.kind == "softmax" else 1
        return math.comb(self.classes, 2) if self.multiclass == "ovo" else self.classes

    def held_out(
        self,
        values: np.ndarray | StoredRows,
        labels: np.ndarray,
        strengths: Sequence[float],
        folds: Sequence[np.ndarray],
    ) -> np.ndarray:
        """Return the scores of each sample by the fold that held it out, (Cs, n, k)."""
        scores = np.zeros((len(strengths), len(labels), self.columns))
        tolerance = FINE if len(labels) < FEW else COARSE
        with _one_thread():
            for rows in folds:
                taken = np.setdiff1d(np.arange(len(labels)), rows)
                for index, weights, intercepts in self._fits(
                    values, labels, strengths, taken, tolerance
                ):
                    for block in blocks_of(rows, values.shape[1]):
                        found = values[block] @ weights + intercepts
                        found = found.reshape(len(block), -1, self.columns)
                        scores[index, block] += found.transpose(1, 0, 2)
        return scores / _parts(values)

    def fit(
        self, values: np.ndarray | StoredRows, labels: np.ndarray, strength: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return weights (d, k) and intercepts (k,), fitted on all samples.

        Of rows in a file the mean of those of each part (Zhang, Duchi and Wainwright 2013).
        """
        everything = np.arange(len(labels))
        weights = np.zeros((values.shape[1], self.columns))
        intercepts = np.zeros(self.columns)
        with _one_thread():
            for _, own, offsets in self._fits(values, labels, [strength], everything, FINE):
                weights += own
                intercepts += offsets
        return weights / _parts(values), intercepts / _parts(values)

    def _fits(
        self,
        values: np.ndarray | StoredRows,
        labels: np.ndarray,
        strengths: Sequence[float],
        taken: np.ndarray,
        tolerance: float,
    ) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
        """Yield which Cs, weights (d, Cs · k) and intercepts (Cs · k,), of each part of the rows.

        A part of n/m rows takes m times C, so that each sample weighs against the penalty as it
        does among all of them.
        """
        count = _parts(values)
        for part in mixed_parts(labels, taken, count):
            span = Span(values[part])
            columns = [
                self._path(span.rows[rows], target, [count * c for c in strengths], tolerance)
                for rows, target in self._decisions(labels[part])
            ]
            found = np.concatenate(columns, axis=1)
            # No more weights at once than the rows themselves take, or one C.
            at_once = max(1, len(part) // (2 * self.columns))
            for start in range(0, len(strengths), at_once):
                index = slice(start, start + at_once)
                flat = found[index].reshape(-1, found.shape[2])
                yield index, *span.raw(flat[:, :-1].T, flat[:, -1])

    def _decisions(self, labels: np.ndarray) -> list[tuple[Any, np.ndarray]]:
        """Return which samples take part in each decision, and their classes in it."""
        if self.classes == 2 or self.multiclass == "multinomial":
            return [(slice(None), labels)]
        if self.multiclass == "ovr" and self.kind == "svm":  # liblinear's own
            return [(slice(None), labels)]
        if self.multiclass == "ovr":
            return [(slice(None), labels == each) for each in range(self.classes)]
        taken = [(pair[0], np.isin(labels, pair)) for pair in pairs_of(self.classes)]
        return [(rows, labels[rows] == first) for first, rows in taken]

    def _path(
        self, rows: np.ndarray, labels: np.ndarray, strengths: Sequence[float], tolerance: float
    ) -> np.ndarray:
        """Return weights and intercepts, (Cs, k, p + 1), each C from where the last one ended."""
        estimator = self._estimator(tolerance, dual=len(rows) <= rows.shape[1])
        # Two columns of a softmax, w/2 and -w/2, have half the penalty of one logistic column w.
        pair = self.kind == "softmax" and self.classes == 2
        found = []
        for strength in strengths:
            estimator.set_params(C=2 * strength if pair else strength).fit(rows, labels)
            weights = np.column_stack([estimator.coef_, estimator.intercept_])
            found.append(np.concatenate([-weights, weights]) / 2 if pair else weights)
        return np.array(found)

    def _estimator(self, tolerance: float, dual: bool) -> Any:
        from sklearn.linear_model import LogisticRegression
        from sklearn.svm import LinearSVC

        if self.kind == "svm":
            return LinearSVC(loss="hinge", max_iter=STEPS, random_state=self.seed)
        if self.kind == "squared_svm":
            options = {"intercept_scaling": UNPENALIZED, "random_state": self.seed}
            return LinearSVC(dual=dual, tol=tolerance, max_iter=STEPS, **options)
        return LogisticRegression(tol=tolerance, max_iter=5_000, warm_start=True)


def _parts(values: np.ndarray | StoredRows) -> int:
    return values.parts if isinstance(values, StoredRows) else 1


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Fit by one BLAS thread: more take more processor time, and in L-BFGS no less real time."""
    with _ALONE, threadpool_limits(1, user_api="blas"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a margin that is nearly the widest will do
        yield
