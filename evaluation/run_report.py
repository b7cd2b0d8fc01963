"""Judge the network of a run and write what was found into its folder."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sightkit import _files, _run_files
from sightkit._errors import SightkitError
from sightkit.evaluation.calibration import calibrate
from sightkit.evaluation.diagnosis import UNKNOWN, Diagnosis, diagnose, errors_of_run
from sightkit.evaluation.html import SMOKE, Images, is_smoke_run, number, write_html
from sightkit.evaluation.judgement import judge
from sightkit.evaluation.metrics import (
    Evaluation,
    LabelledBatches,
    evaluate,
    require_stored_order,
)
from sightkit.evaluation.mistakes import draw_mistakes
from sightkit.evaluation.pictures import draw_confusion, draw_reliability

SHOWN_CLASSES = 50


def report_run(
    folder: str | os.PathLike[str],
    predictor: Callable[[np.ndarray], np.ndarray],
    data: Mapping[str, LabelledBatches],
    facts: Mapping[str, Any],
    *,
    floor: float | None = None,
    floor_source: str = "",
) -> dict[str, Any]:
    """Evaluate, write metrics.json, pictures and report.html; print result and diagnosis.

    Args:
        folder: of the run; its configuration, environment and curves are shown where they exist.
        predictor: preprocessed (N, H, W, C) float32 to (N, classes) float32 probabilities.
        data: splits by name, unshuffled; the one called ``"test"`` is reported in full. With
            ``"train"`` (without augmentation) and ``"train_validation"`` the diagnosis knows more.
        facts: what metrics.json holds beside the splits: parameters, weights_sha256, seed, ….
        floor: error of a human, or the Bayes error, 0–1, that the diagnosis compares to; see
            ``diagnose``.
        floor_source: where it comes from; without it the floor is called a guess.

    Returns:
        What metrics.json holds.

    Raises:
        SightkitError: a split that is shuffled, augmented or empty; answers that are no numbers.
    """
    folder = Path(folder)
    for batches in data.values():
        require_stored_order(batches)
    evaluations = {name: evaluate(predictor, batches) for name, batches in data.items()}
    for name, result in evaluations.items():
        require_numbers(result, f"of the {name} split")
    test = evaluations["test"]
    metrics = {name: result.to_metrics() for name, result in evaluations.items()} | dict(facts)
    metrics["test"] = judge(test)
    history = _history(folder)
    errors = errors_of_run(metrics, history)
    diagnosis = diagnose(errors, floor=floor, floor_source=floor_source, history=history)
    write_judgement(folder, test, data["test"].images, metrics, diagnosis)
    print(summary(test, metrics["test"]))
    if is_smoke_run(folder):
        print(SMOKE)
    elif diagnosis.curves or any(gap.verdict != UNKNOWN for gap in diagnosis.gaps):
        print(f"Diagnosis: {diagnosis} {diagnosis.floor}")
    return metrics


def write_judgement(
    folder: Path,
    test: Evaluation,
    images: Images | Sequence[str],
    metrics: Mapping[str, Any],
    diagnosis: Diagnosis | None = None,
) -> None:
    """Write metrics.json, the pictures and report.html; arguments as ``write_html`` takes them.

    What an earlier judgement left and this one has not (a sheet of mistakes) is removed.
    """
    _files.write_json(folder / _run_files.METRICS, metrics)
    draw_confusion(test.confusion, test.class_names, folder / _run_files.CONFUSION)
    draw_reliability(calibrate(test), folder / _run_files.RELIABILITY)
    if callable(images):
        draw_mistakes(test, images, folder / _run_files.MISTAKES)
    else:
        (folder / _run_files.MISTAKES).unlink(missing_ok=True)
    write_html(folder, test, images, metrics, diagnosis)


def _history(folder: Path) -> list[dict[str, float]]:
    """The rows of history.csv; cells that are empty are left out."""
    path = folder / _run_files.HISTORY
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [
            {name: float(cell) for name, cell in row.items() if cell}
            for row in csv.DictReader(file)
        ]


def require_numbers(result: Evaluation, which: str) -> None:
    """Refuse answers that are no numbers.

    Args:
        result: what the network said.
        which: of which images, for the message.

    Raises:
        SightkitError: a NaN or an infinity among the answers.
    """
    bad = int((~np.isfinite(result.probabilities).all(axis=1)).sum())
    if bad:
        raise SightkitError(
            f"The network must answer with numbers; for {bad:,} of {len(result.labels):,} images "
            f"{which} it did not: the training diverged.",
            "Train with a lower --learning-rate.",
        )


def summary(test: Evaluation, result: Mapping[str, Any]) -> str:
    """What the terminal shows: a row a class, then the numbers of ``judge``."""
    rows = test.per_class()
    width = max(len("class"), *(len(row["name"]) for row in rows))
    lines = [f"\n{'class':<{width}}  precision  recall      f1  images"]
    lines += [
        f"{row['name']:<{width}}  {number(row['precision']):>9}  {number(row['recall']):>6}  "
        f"{number(row['f1']):>6}  {row['count']:6d}"
        for row in rows[:SHOWN_CLASSES]
    ]
    if len(rows) > SHOWN_CLASSES:
        lines.append(f"… {len(rows) - SHOWN_CLASSES} more classes in {_run_files.REPORT}")
    rank5 = "" if result["rank5"] is None else f", rank-5 {100 * result['rank5']:.2f} %"
    low, high = result["intervals"]["rank1"]
    lines.append(
        f"\nTest rank-1 accuracy {100 * result['rank1']:.2f} %{rank5}, "
        f"loss {result['loss']:.4f}, {result['count']:,} images."
    )
    lines.append(
        f"95 % interval of rank-1 {100 * low:.2f}–{100 * high:.2f} %; balanced accuracy "
        f"{100 * result['balanced_accuracy']:.2f} %, always the largest class "
        f"{100 * result['majority_baseline']:.2f} %; calibration error (ECE) "
        f"{100 * result['calibration']['ece']:.2f} %."
    )
    return "\n".join(lines)
