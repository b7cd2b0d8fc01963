"""An evaluation as a notebook shows it."""

from __future__ import annotations

from collections.abc import Iterator

from sightkit._display import drawing, line
from sightkit._tables import html_table, percent
from sightkit.evaluation.intervals import wilson
from sightkit.evaluation.metrics import Evaluation
from sightkit.evaluation.pictures import FEW, LARGEST_LABELLED, draw_confusion

PICTURE_WIDTH = 440


def parts_of(evaluation: Evaluation) -> Iterator[str]:
    """Yield the measures, a table of the classes and, of few classes, the confusion matrix.

    Of many classes the worst by F are shown.
    """
    found, scores = evaluation.to_metrics(), evaluation.class_scores
    low, high = wilson(found["rank1"], found["count"])
    measures = {
        "rank-1": percent(found["rank1"]),
        "95 % interval": f"{100 * low:.2f}–{percent(high)}",
        "rank-5": found["rank5"] and percent(found["rank5"]),
        "balanced": percent(float(scores.balanced_accuracy)),
        "always the largest class": percent(evaluation.majority_baseline),
        "loss": f"{found['loss']:.4f}",
        "images": found["count"],
    }
    yield html_table([{name: value for name, value in measures.items() if value is not None}])
    yield line("")
    rows = evaluation.per_class()
    if len(rows) > FEW:
        # A class without images and answers has no F: it is no mistake.
        rows.sort(key=lambda row: 1.0 if row["f1"] is None else row["f1"])
        yield line(f"The worst {FEW} of {len(rows):,} classes by F; per_class() has all.")
    yield html_table(rows[:FEW])
    if len(rows) <= LARGEST_LABELLED:
        yield drawing(
            lambda file: draw_confusion(evaluation.confusion, evaluation.class_names, file),
            "True class by predicted class",
            width=PICTURE_WIDTH,
        )
