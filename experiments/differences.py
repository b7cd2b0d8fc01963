"""Student's t: interval and p-value of a mean difference between pairs of runs; one more run."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

LEVEL = 0.95


def mean_difference(
    differences: Sequence[float], test_over_train: float = 0.0
) -> tuple[float, float, float]:
    """Return the mean of paired differences, and the ends of its 95 % interval.

    Args:
        differences: of pairs of runs that share all but what is compared; two at least.
        test_over_train: test images over training images, where the pairs are divisions of one data
            set: they share images, and the plain interval (0) is too narrow.

    Reference:
        Nadeau and Bengio, "Inference for the generalization error", 2003: the corrected resampled
        t, 1/n + test/train in place of 1/n.
    """
    mean, count = statistics.fmean(differences), len(differences)
    half = _quantile(count) * statistics.stdev(differences)
    half *= math.sqrt(1 / count + test_over_train)
    return mean, mean - half, mean + half


def p_value(differences: Sequence[float]) -> float:
    """Return how likely a mean difference as far from 0 is without any, by the paired t-test."""
    from scipy import stats

    return float(stats.ttest_1samp(differences, 0.0).pvalue)


def prediction_interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the ends between which one more run lies in 95 % of cases, by two or more of them."""
    mean, count = statistics.fmean(values), len(values)
    half = _quantile(count) * statistics.stdev(values) * math.sqrt(1 + 1 / count)
    return mean - half, mean + half


def _quantile(count: int) -> float:
    from scipy import stats

    return float(stats.t.ppf((1 + LEVEL) / 2, count - 1))
