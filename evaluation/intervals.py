"""Confidence intervals of metrics: the bootstrap over images, Wilson's of a share."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np

from sightkit._errors import SightkitError
from sightkit.evaluation.metrics import Evaluation, class_scores

REPLICATES, LEVEL, SEED = 1000, 0.95, 0
CHUNK = 2**21
"""Samples that are drawn at once; bounds the memory, whatever their number."""

Interval = tuple[float, float]


def bootstrap(
    statistic: Callable[..., Mapping[str, np.ndarray]],
    columns: Sequence[np.ndarray],
    *,
    replicates: int = REPLICATES,
    level: float = LEVEL,
    seed: int = SEED,
) -> dict[str, Interval]:
    """Compute percentile intervals of any measures: samples are drawn with replacement.

    The interval holds for other images of the same kind, not for another training: several seeds
    show that spread (``scripts/ledger.py``).

    Args:
        statistic: takes the columns as (R, N) arrays, a row a replicate, and returns (R,) arrays
            by name.
        columns: (N,) arrays; sample k is the k-th of each.
        replicates: number of drawings.
        level: share of the replicates inside the interval, between 0 and 1.
        seed: seed of the drawing; the same seed gives the same intervals.

    Returns:
        Name to (low, high); NaN where a measure is defined in no replicate.

    Raises:
        SightkitError: no sample, columns of several lengths, or a number out of range.

    Reference:
        Efron and Tibshirani, "An introduction to the bootstrap", 1993, chapter 13.
    """
    lengths = {len(column) for column in columns}
    if len(lengths) != 1 or lengths == {0} or replicates < 1 or not 0 < level < 1:
        raise SightkitError(
            "The bootstrap needs columns of one length, at least one sample and one replicate, "
            "and a level between 0 and 1.",
            lengths=sorted(lengths),
            replicates=replicates,
            level=level,
        )
    (count,) = lengths
    rng = np.random.default_rng(seed)
    at_once = max(1, CHUNK // count)
    found: dict[str, list[np.ndarray]] = {}
    for start in range(0, replicates, at_once):
        rows = rng.integers(0, count, (min(at_once, replicates - start), count), dtype=np.int32)
        for name, values in statistic(*(column[rows] for column in columns)).items():
            found.setdefault(name, []).append(np.asarray(values, np.float64))
    tails = ((1 - level) / 2, (1 + level) / 2)
    return {name: _between(np.concatenate(values), tails) for name, values in found.items()}


def intervals_report(found: Mapping[str, Interval]) -> dict[str, Any]:
    """Return intervals and how they were computed as JSON; None for one that is undefined."""
    ends = {name: None if math.isnan(low) else [low, high] for name, (low, high) in found.items()}
    return {"level": LEVEL, "replicates": REPLICATES, "seed": SEED, **ends}


def intervals(evaluation: Evaluation, *, seed: int = SEED) -> dict[str, Interval]:
    """Compute 95 % intervals of accuracy, loss and the averages over classes.

    Where every answer is right, drawing them again changes nothing: there the intervals of the
    shares are Wilson's (1927), which depend on their number.
    """

    def measured(
        labels: np.ndarray, predicted: np.ndarray, loss: np.ndarray
    ) -> dict[str, np.ndarray]:
        rows = np.arange(len(labels))[:, np.newaxis] * len(evaluation.class_names)
        shape = (len(labels), len(evaluation.class_names))

        def counted(classes: np.ndarray) -> np.ndarray:
            return np.bincount(classes.ravel(), minlength=shape[0] * shape[1]).reshape(shape)

        hits = counted((rows + labels)[labels == predicted])
        scores = class_scores(hits, counted(rows + labels), counted(rows + predicted))
        return {
            "rank1": (labels == predicted).mean(axis=1),
            "loss": loss.mean(axis=1),
            "balanced_accuracy": scores.balanced_accuracy,
            "f1": scores.average(scores.f1),
        }

    columns = (evaluation.labels, evaluation.predictions, evaluation.losses)
    found = bootstrap(measured, columns, seed=seed)
    right = int((evaluation.labels == evaluation.predictions).sum())
    if right == len(evaluation.labels):
        shares = {name: wilson(1.0, right) for name in found if name != "loss"}
        return {**found, **shares}
    return found


def wilson(share: float, count: int) -> Interval:
    """Compute Wilson's 95 % interval of a share (score test, 1927), which always has a width."""
    z = NormalDist().inv_cdf((1 + LEVEL) / 2)
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * (share * (1 - share) / count + (z / (2 * count)) ** 2) ** 0.5
    return max(0.0, middle - half), min(1.0, middle + half)


def paired_interval(ours: np.ndarray, theirs: np.ndarray, *, seed: int = SEED) -> Interval:
    """Compute the 95 % interval of the mean difference of two evaluations of the same samples.

    Args:
        ours: (N,), a value a sample: 1 where an answer is right, or a loss.
        theirs: (N,), of the same samples in the same order.
        seed: seed of the drawing.
    """
    difference = np.asarray(ours, np.float64) - np.asarray(theirs, np.float64)
    found = bootstrap(lambda drawn: {"mean": drawn.mean(axis=1)}, (difference,), seed=seed)
    return found["mean"]


def _between(values: np.ndarray, tails: tuple[float, float]) -> Interval:
    values = values[~np.isnan(values)]
    if not len(values):
        return float("nan"), float("nan")
    low, high = np.quantile(values, tails)
    return float(low), float(high)
