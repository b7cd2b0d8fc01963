"""Fit linear heads by scikit-learn, for every C; or in passes over features in their file."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from sightkit.transfer.heads.linear import Multiclass, targets_of
from sightkit.transfer.heads.span import Span
from sightkit.transfer.heads.streamed import LossKind, StreamedFit, StreamedRows

FEW = 2_000
"""Below so many photos, where one of them moves an accuracy most, Cs are compared at their optimum;
from there on as near to it as scikit-learn's own tolerance leaves them."""
FINE, COARSE = 1e-6, 1e-4
UNPENALIZED = 100.0
"""Scale of liblinear's intercept, which makes its penalty one of 1/10,000."""

_ALONE = threading.Lock()
"""Two threads that set and put back the number of BLAS threads would leave it at one."""


@dataclass(frozen=True)
class LinearFit:
    """How a linear head of some kind is fitted.

    Attributes:
        kind: ``"logistic"``, ``"softmax"``, ``"svm"`` or ``"squared_svm"``.
        classes: number of classes.
        multiclass: how several classes are told apart.
        seed: of the order in which the hinge's coordinates are taken.
    """

    kind: str
    classes: int
    multiclass: Multiclass
    seed: int = 0

    def held_out(
        self,
        values: np.ndarray | StreamedRows,
        labels: np.ndarray,
        strengths: Sequence[float],
        folds: Sequence[np.ndarray],
    ) -> np.ndarray:
        """Return the scores of each sample by the fold that held it out, (Cs, n, k)."""
        if isinstance(values, StreamedRows):
            masks = np.ones((len(labels), len(folds)), np.float32)
            for index, rows in enumerate(folds):
                masks[rows, index] = 0
            found = self._stream(values, labels, strengths, masks)
            scores = np.empty((len(strengths), len(labels), found[1].shape[-1]))
            fold = masks.argmin(axis=1)
            for part, block in values.blocks():
                block = block.astype(np.float64)
                for index in range(len(folds)):
                    mine = fold[part] == index
                    weights, intercepts = (each[:, index] for each in found)
                    scores[:, part][:, mine] = block[mine] @ weights + intercepts[:, np.newaxis]
            return scores
        parts: list[np.ndarray] = []
        tolerance = FINE if len(labels) < FEW else COARSE
        for rows in folds:
            taken = np.setdiff1d(np.arange(len(labels)), rows)
            weights, intercepts = self._fit(values, labels, strengths, taken, tolerance)
            parts.append(values[rows] @ weights + intercepts)
        scores = np.empty((len(labels), parts[0].shape[1]))
        scores[np.concatenate(folds)] = np.concatenate(parts)
        return scores.reshape(len(labels), len(strengths), -1).transpose(1, 0, 2)

    def fit(
        self, values: np.ndarray | StreamedRows, labels: np.ndarray, strength: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return weights (d, k) and intercepts (k,), fitted on all samples."""
        if isinstance(values, StreamedRows):
            whole = np.ones((len(labels), 1), np.float32)
            weights, intercepts = self._stream(values, labels, [strength], whole)
            return weights[0, 0], intercepts[0, 0]
        return self._fit(values, labels, [strength], np.arange(len(labels)), FINE)

    def _fit(
        self,
        values: np.ndarray,
        labels: np.ndarray,
        strengths: Sequence[float],
        taken: np.ndarray,
        tolerance: float,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return weights (d, Cs · k) and intercepts (Cs · k,), for features as they come."""
        # More than one BLAS thread takes more processor time, and in L-BFGS no less real time.
        with _ALONE, threadpool_limits(1, user_api="blas"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a margin that is nearly the widest will do
            span = Span(values, taken)
            columns = [
                self._path(span.rows[rows], target, strengths, tolerance)
                for rows, target in self._decisions(labels[taken])
            ]
            found = np.concatenate(columns, axis=1)
            return span.raw(
                found[..., :-1].reshape(-1, found.shape[2] - 1).T, found[..., -1].ravel()
            )

    def _decisions(self, labels: np.ndarray) -> list[tuple[Any, np.ndarray]]:
        """Return which samples take part in each decision, and their classes in it."""
        if self.classes == 2 or self.multiclass == "multinomial":
            return [(slice(None), labels)]
        if self.multiclass == "ovr" and self.kind == "svm":  # liblinear's own
            return [(slice(None), labels)]
        targets = targets_of(labels, self.classes, self.multiclass).T
        return [
            (slice(None) if target.all() else target != 0, target[target != 0] > 0)
            for target in targets
        ]

    def _path(
        self, rows: np.ndarray, labels: np.ndarray, strengths: Sequence[float], tolerance: float
    ) -> np.ndarray:
        """Return weights and intercepts, (Cs, k, p + 1), each C from where the last one ended."""
        estimator = self._estimator(tolerance)
        # Two columns of a softmax, w/2 and -w/2, have half the penalty of one logistic column w.
        pair = self.kind == "softmax" and self.classes == 2
        found = []
        for strength in strengths:
            estimator.set_params(C=2 * strength if pair else strength).fit(rows, labels)
            weights = np.column_stack([estimator.coef_, estimator.intercept_])
            found.append(np.concatenate([-weights, weights]) / 2 if pair else weights)
        return np.array(found)

    def _estimator(self, tolerance: float) -> Any:
        from sklearn.linear_model import LogisticRegression
        from sklearn.svm import LinearSVC

        if self.kind == "svm":
            return LinearSVC(loss="hinge", max_iter=20_000, random_state=self.seed)
        if self.kind == "squared_svm":
            return LinearSVC(dual=False, tol=tolerance, intercept_scaling=UNPENALIZED)
        return LogisticRegression(tol=tolerance, max_iter=5_000, warm_start=True)

    def _stream(
        self,
        rows: StreamedRows,
        labels: np.ndarray,
        strengths: Sequence[float],
        masks: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return weights (Cs, masks, d, k) and intercepts (Cs, masks, k)."""
        targets = targets_of(labels, self.classes, self.multiclass)
        loss: LossKind = "squared_hinge" if self.kind == "squared_svm" else "log"
        if self.kind == "softmax" or (self.multiclass == "multinomial" and self.classes > 2):
            loss, targets = "softmax", np.eye(self.classes, dtype=np.float32)[labels]
        found = StreamedFit(rows, targets, loss, strengths, masks).solve()
        shape = len(strengths), masks.shape[1]
        return found[0].reshape(*shape, *found[0].shape[1:]), found[1].reshape(*shape, -1)
