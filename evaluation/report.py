"""Report an evaluation: metrics.json, the terminal's lines, pictures, one page of HTML."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sightkit import _csv, _files, _folders, _run_files, _scripts
from sightkit._errors import few, visible
from sightkit._locks import FileLock
from sightkit._scripts import warn
from sightkit._tables import percent, text_table
from sightkit.evaluation.calibration import calibrate
from sightkit.evaluation.diagnosis import UNKNOWN, Diagnosis, diagnose
from sightkit.evaluation.ensembles import gain
from sightkit.evaluation.evaluation_data import EvaluationData
from sightkit.evaluation.html import SMOKE, is_smoke_run, write_html
from sightkit.evaluation.intervals import intervals, intervals_report
from sightkit.evaluation.metrics import Evaluation
from sightkit.evaluation.mistakes import Samples, mistakes_of
from sightkit.evaluation.outputs import FORMAT
from sightkit.evaluation.pictures import (
    draw_confusion,
    draw_ensemble,
    draw_mistakes,
    draw_reliability,
)
from sightkit.evaluation.predictions import (
    LabelledBatches,
    Predictor,
    evaluate,
    require_stored_order,
)
from sightkit.evaluation.split_errors import errors_of_run
from sightkit.io.labels import SMALLEST_PHOTO

FILES = (
    _run_files.CONFUSION,
    _run_files.RELIABILITY,
    _run_files.ENSEMBLE,
    _run_files.MISTAKES,
    _run_files.MISTAKES_TABLE,
    _run_files.REPORT,
    _run_files.EXPLANATION,
    _run_files.METRICS,
)
"""All that an evaluation writes; the last is what makes a folder one's."""
SHOWN_CLASSES = 50
WORST = 24
"""Mistakes in report.html."""
FEW_A_CLASS = 2_000
"""Photos of a class below which a network from scratch is no match for features."""
SEEN = 16
RARELY = 0.1
"""Share of the images of a class, and of those of all others, that are an exception."""


def metrics_report(evaluation: Evaluation) -> dict[str, Any]:
    """Compute the numbers of metrics.json for one set of images.

    Returns:
        JSON: those of ``Evaluation.to_metrics``; ``balanced_accuracy``, ``majority_baseline``,
        ``macro`` and ``weighted`` (precision, recall, f1 averaged over classes alike, or by their
        images), ``per_class`` (a row a class), ``calibration`` (``ece``, …) and ``intervals``: name
        to [low, high] of 95 % of 1,000 bootstrap replicates.
    """
    scores = evaluation.class_scores
    averages = {
        kind: {
            name: float(scores.average(getattr(scores, name), weighted=kind == "weighted"))
            for name in ("precision", "recall", "f1")
        }
        for kind in ("macro", "weighted")
    }
    return {
        **evaluation.to_metrics(),
        "balanced_accuracy": float(scores.balanced_accuracy),
        "majority_baseline": evaluation.majority_baseline,
        **averages,
        "per_class": evaluation.per_class(),
        "calibration": calibrate(evaluation).to_metrics(),
        "intervals": intervals_report(intervals(evaluation)),
    }


def report_run(
    folder: str | os.PathLike[str],
    predictor: Predictor,
    data: Mapping[str, LabelledBatches],
    facts: Mapping[str, Any],
    *,
    floor: float | None = None,
    floor_source: str = "",
    pretrained: bool = False,
    fitted: bool = False,
    once: Evaluation | None = None,
) -> dict[str, Any]:
    """Evaluate, write metrics.json, pictures and report.html; print result and diagnosis.

    Args:
        folder: of the run; its configuration, environment and curves are shown where they exist.
        predictor: preprocessed (N, H, W, C) float32 to (N, classes) float32 probabilities.
        data: splits by name, unshuffled; the one called ``"test"`` is reported in full. With
            ``"train"`` (without augmentation) and ``"train_validation"`` the diagnosis knows more.
        facts: further entries of metrics.json: parameters, weights_sha256, seed, ….
        floor: error of a human, or the Bayes error, 0–1, that the diagnosis compares to; see
            ``diagnose``.
        floor_source: where it comes from; without it the floor is called a guess.
        pretrained: whether the network began with trained weights.
        fitted: whether it is no network, but neighbours or a linear classifier: as ``diagnose``.
        once: the test images by one view of each, timed, where ``predictor`` averages several;
            what these bring is reported.

    Returns:
        The content of metrics.json.

    Raises:
        SightkitError: a split that is shuffled, augmented or empty; answers that are not finite.
    """
    folder = Path(folder)
    for batches in data.values():
        require_stored_order(batches)
    evaluations = {
        name: evaluate(predictor, batches, name=name, timed=once is not None and name == "test")
        for name, batches in data.items()
    }
    test = evaluations["test"]
    metrics = {name: result.to_metrics() for name, result in evaluations.items()} | dict(facts)
    metrics["test"] = metrics_report(test)
    if once is not None:
        views = gain(test, [once])
        metrics |= {"once": once.to_metrics(), "gain": views.to_metrics()}
        print(f"The views of an image against one: {views}.")
    history = _history(folder)
    errors = errors_of_run(metrics, history)
    diagnosis = diagnose(
        errors,
        floor=floor,
        floor_source=floor_source,
        history=history,
        few_photos=0 if pretrained or fitted else _few_photos(data.get("train")),
        one_answer=_one_answer(test),
        fitted=fitted,
    )
    write_report(folder, test, Samples.of(data["test"]), metrics, diagnosis)
    print(summary(test, metrics["test"]))
    if is_smoke_run(folder):
        print(SMOKE)
    elif diagnosis.curves or any(gap.verdict != UNKNOWN for gap in diagnosis.gaps):
        print(_scripts.as_given(f"Diagnosis: {diagnosis} {diagnosis.floor}"))
    return metrics


def report_data(
    test: Evaluation,
    data: EvaluationData,
    facts: Mapping[str, Any],
    *,
    output: str | os.PathLike[str] | None = None,
    members: Sequence[Evaluation] = (),
    weights: Sequence[float] | None = None,
    record: Callable[[dict[str, Any]], None] | None = None,
) -> dict[str, Any]:
    """Print the evaluation of data that are no run's own, and write it into a folder.

    Args:
        test: of these data.
        data: the evaluation data; its notes are printed on stderr.
        facts: further entries of metrics.json: bundle, weights_sha256, ….
        output: the folder; without it nothing is written.
        members: those of an ensemble, for its picture.
        weights: their votes; equal by default.
        record: called with what is returned, also where photos could not be read.

    Returns:
        The content of metrics.json.

    Raises:
        SightkitError: photos could not be read; the others are reported all the same.
    """
    notes = [*data.notes_on(len(test.labels)), *_without_images(test)]
    metrics = {
        "format": FORMAT,
        "test": metrics_report(test),
        **facts,
        "data": str(data.path.resolve()),
        "split": data.split,
        "trained_on": None if data.seen is None else len(data.seen),
        "bad": data.bad,
        "notes": notes,
        "milliseconds": test.milliseconds,
    }
    print(summary(test, metrics["test"]))
    for note in notes:
        warn(note)
    if output is not None:
        output = Path(output)
        output.mkdir(parents=True, exist_ok=True)
        lock = FileLock(output / _run_files.LOCK, f"the evaluation {output.name}")
        with lock, _folders.replacing_together(output, FILES) as place:
            if members:
                draw_ensemble(members, place / _run_files.ENSEMBLE, weights)
            write_report(place, test, Samples.of(data.batches), metrics)
        print(_run_files.report_line(output))
    if record is not None:
        record(metrics)
    data.require_all(len(test.labels))
    return metrics


def write_report(
    folder: str | os.PathLike[str],
    test: Evaluation,
    samples: Samples,
    metrics: Mapping[str, Any],
    diagnosis: Diagnosis | None = None,
) -> None:
    """Write metrics.json, the pictures, a table of all mistakes that have names, and report.html.

    A sheet or a table of mistakes from an earlier evaluation is removed where this one has none,
    and the page that explains an earlier one's.

    Args:
        folder: of a run, or of an evaluation alone.
        test: what the report is about.
        samples: names and pixels of its images.
        metrics: the content of metrics.json.
        diagnosis: of the run.
    """
    folder = Path(folder)
    _files.write_json(folder / _run_files.METRICS, metrics)
    draw_confusion(test.confusion, test.class_names, folder / _run_files.CONFUSION)
    draw_reliability(calibrate(test), folder / _run_files.RELIABILITY)
    worst = mistakes_of(test, samples, WORST)
    draw_mistakes(worst, folder / _run_files.MISTAKES)
    table = folder / _run_files.MISTAKES_TABLE
    if worst and samples.names:
        every = map(vars, mistakes_of(test, samples, pixels=False))
        _csv.write_csv(table, [{k: v for k, v in row.items() if k != "image"} for row in every])
    else:
        table.unlink(missing_ok=True)
    (folder / _run_files.EXPLANATION).unlink(missing_ok=True)
    write_html(folder, test, worst, metrics, diagnosis)


def summary(test: Evaluation, result: Mapping[str, Any]) -> str:
    """Format the table of classes and the numbers of ``metrics_report`` for the terminal."""
    table = text_table(test.per_class(), longest=SHOWN_CLASSES, more=_run_files.REPORT)
    rank5 = "" if result["rank5"] is None else f", rank-5 {percent(result['rank5'])}"
    low, high = result["intervals"]["rank1"]
    return (
        f"\n{table}\n\n"
        f"Test rank-1 accuracy {percent(result['rank1'])}{rank5}, "
        f"loss {result['loss']:.4f}, {result['count']:,} images.\n"
        f"95 % interval of rank-1 {100 * low:.2f}–{percent(high)}; balanced accuracy "
        f"{percent(result['balanced_accuracy'])}, always the largest class "
        f"{percent(result['majority_baseline'])}; calibration error (ECE) "
        f"{percent(result['calibration']['ece'])}."
    )


def _without_images(test: Evaluation) -> list[str]:
    """Return a note on classes that the data lack."""
    names = [row["class"] for row in test.per_class() if not row["images"]]
    if not names:
        return []
    return [
        f"There are no images of {len(names):,} of the network's {len(test.class_names):,} classes "
        f"({few(names)}): their recall is undefined."
    ]


def _one_answer(test: Evaluation) -> str:
    """Return a sentence on the class that nearly all images have as answer, whatever they show."""
    scores = test.class_scores
    label = int(scores.predicted.argmax())
    # Recall NaN: no image is of the class. Specificity NaN: no image is of another one.
    if scores.recall[label] < 1 - RARELY or not scores.specificity[label] <= RARELY:
        return ""
    largest = ", the largest class," if scores.truths[label] == scores.truths.max() else ""
    share = percent(scores.predicted[label] / len(test.labels))
    return f"Nearly always one answer: {visible(test.class_names[label])}{largest} for {share}."


def _few_photos(train: LabelledBatches | None) -> int:
    """Return the number of training photos where there are less than thousands of each class.

    Photos have colours: a sheet of grey digits wants no features of ImageNet's networks.
    """
    labels = getattr(train, "labels", None)
    if train is None or labels is None or len(labels) >= FEW_A_CLASS * len(train.class_names):
        return 0
    images = np.asarray(train.images(np.arange(min(SEEN, len(labels)))))
    coloured = images.ndim == 4 and images.shape[3] == 3 and (np.ptp(images, axis=3) > 0).any()
    return len(labels) if coloured and min(images.shape[1:3]) >= SMALLEST_PHOTO else 0


def _history(folder: Path) -> list[dict[str, float]]:
    """Read history.csv; empty cells are left out."""
    path = folder / _run_files.HISTORY
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [
            {name: float(cell) for name, cell in row.items() if cell}
            for row in csv.DictReader(file)
        ]
