"""Calibration: accuracy against confidence; expected calibration error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sightkit._errors import SightkitError
from sightkit.evaluation.metrics import Evaluation

BINS = 15
"""As in the paper, and in most that followed it."""


@dataclass(frozen=True)
class Calibration:
    """Answers by confidence: bin k holds those in (k / bins, (k + 1) / bins].

    Attributes:
        count: int64 (bins,), answers in each.
        confidence: float64 (bins,), mean probability of the predicted class; NaN where empty.
        accuracy: float64 (bins,), share of them that was right; NaN where empty.
    """

    count: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray

    @property
    def error(self) -> float:
        """Expected calibration error: mean of |accuracy - confidence| over answers, 0 to 1."""
        gaps = np.abs(self.accuracy - self.confidence)
        return float(np.nansum(gaps * self.count) / self.count.sum())

    @property
    def largest_gap(self) -> float:
        """Maximum calibration error: the gap of the worst bin, 0 to 1."""
        return float(np.nanmax(np.abs(self.accuracy - self.confidence)))

    @property
    def overconfidence(self) -> float:
        """Mean confidence less accuracy, -1 to 1: above 0 a network that is overconfident."""
        share = self.count / self.count.sum()
        return float(np.nansum((self.confidence - self.accuracy) * share))

    def to_metrics(self) -> dict[str, Any]:
        """The numbers of metrics.json."""
        return {
            "ece": self.error,
            "largest_gap": self.largest_gap,
            "overconfidence": self.overconfidence,
            "bins": len(self.count),
        }


def calibrate(evaluation: Evaluation, *, bins: int = BINS) -> Calibration:
    """Sort answers by the probability of their predicted class, into bins of equal width.

    Few answers make the error large by chance alone: with n in a bin, by up to 0.4 / √n for a
    network that is perfectly calibrated (mean deviation of a share, at one half).

    Args:
        evaluation: whose probabilities are between 0 and 1.
        bins: number of bins, at least 1.

    Raises:
        SightkitError: no bin, or answers that are not probabilities.

    Reference:
        Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks", 2017
        (arXiv:1706.04599).
    """
    sure = evaluation.probabilities.max(axis=1).astype(np.float64)
    # float32 sums: a softmax may exceed 1 by its last bits.
    if bins < 1 or not ((sure >= 0) & (sure <= 1 + 1e-5)).all():
        raise SightkitError(
            "Calibration needs at least one bin, and probabilities between 0 and 1.",
            "Evaluate the softmax of logits.",
            bins=bins,
            largest=float(sure.max()) if len(sure) else None,
        )
    place = np.clip(np.ceil(sure * bins).astype(int) - 1, 0, bins - 1)
    right = evaluation.predictions == evaluation.labels
    count = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        return Calibration(
            count=count,
            confidence=np.bincount(place, sure, minlength=bins) / count,
            accuracy=np.bincount(place, right, minlength=bins) / count,
        )
