"""All that is said of a classifier on the images it is finally judged by."""

from __future__ import annotations

from typing import Any

from sightkit.evaluation.calibration import calibrate
from sightkit.evaluation.intervals import LEVEL, REPLICATES, SEED, intervals
from sightkit.evaluation.metrics import Evaluation

AVERAGES = ("precision", "recall", "f1")


def judge(evaluation: Evaluation) -> dict[str, Any]:
    """The numbers of ``Evaluation.to_metrics``, averages over classes, calibration, intervals.

    Returns:
        JSON: ``balanced_accuracy``, ``majority_baseline``, ``macro`` and ``weighted`` (precision,
        recall, f1 averaged over classes alike, or by their images), ``calibration`` (``ece``, …)
        and ``intervals``: name to [low, high] of 95 % of 1,000 bootstrap replicates.
    """
    scores = evaluation.class_scores
    averages = {
        kind: {
            name: float(scores.average(getattr(scores, name), weighted=kind == "weighted"))
            for name in AVERAGES
        }
        for kind in ("macro", "weighted")
    }
    return {
        **evaluation.to_metrics(),
        "balanced_accuracy": float(scores.balanced_accuracy),
        "majority_baseline": evaluation.majority_baseline,
        **averages,
        "calibration": calibrate(evaluation).to_metrics(),
        "intervals": {
            "level": LEVEL,
            "replicates": REPLICATES,
            "seed": SEED,
            **{name: list(ends) for name, ends in intervals(evaluation).items()},
        },
    }
