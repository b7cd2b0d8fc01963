"""The report of a detector's evaluation: metrics.json, curves and one page of HTML."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from matplotlib.figure import Figure

from sightkit import _display, _files, _run_files
from sightkit._tables import html_table, text_table
from sightkit.apps.detection.annotations import AnnotatedPictures
from sightkit.apps.detection.average_precision import RECALLS, AveragePrecision, average_precision
from sightkit.apps.detection.detection_folder import FORMAT
from sightkit.apps.detection.detection_mistakes import PictureMistakes, detection_mistakes
from sightkit.apps.detection.detections import Detections
from sightkit.evaluation.html import html_page, section
from sightkit.evaluation.text import legible

CURVES = "precision_recall.png"
WORST = 8
"""Pictures on the page."""
NAMED = 10
"""Classes up to which each has its own curve."""
QUALITY = 88
"""Of JPEGs in the page: eight pictures of 720 pixels take about 1 MB."""


def report_detections(
    pictures: AnnotatedPictures,
    detections: Sequence[Detections],
    output: Path,
    *,
    score: float = 0.5,
    facts: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Measure detections, print the result, and write metrics.json, the curves and report.html.

    Args:
        pictures: annotated.
        detections: one for each of ``pictures``, with all scores that the detector gives.
        output: folder, new or an earlier evaluation's.
        score: least score of the boxes that are counted as mistakes and drawn.
        facts: of where all came from, for metrics.json and the page.

    Returns:
        The content of metrics.json.
    """
    measured = average_precision(pictures, detections)
    mistakes = detection_mistakes(pictures, detections, score)
    intervals = measured.intervals()
    metrics = {
        "format": FORMAT,
        "map_50": measured.at(0.5),
        "map_50_interval": list(intervals["at"]),
        "map": measured.mean,
        "map_interval": list(intervals["mean"]),
        "pictures": len(pictures),
        "classes": measured.table(),
        "score": score,
        "false": sum(int(each.false.sum()) for each in mistakes),
        "missed": sum(int(each.missed.sum()) for each in mistakes),
        **(facts or {}),
    }
    output.mkdir(parents=True, exist_ok=True)
    draw_precision_recall(measured, output / CURVES)
    page = _page(measured, metrics, mistakes, (output / CURVES).read_bytes())
    _files.write_text(output / _run_files.REPORT, page)
    _files.write_json(output / _run_files.METRICS, metrics)
    print(text_table(metrics["classes"]))
    print(*(f"{name} {value}" for name, value in _headline(metrics).items()), sep="\n")
    print(_run_files.report_line(output))
    return metrics


def draw_precision_recall(measured: AveragePrecision, path: Path) -> None:
    """Draw precision by recall to a PNG, at the first overlap, of each class or of their mean."""
    figure = Figure(figsize=(6.4, 4.6), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    curves = measured.precisions[0]
    present = np.flatnonzero(~np.isnan(curves[:, 0]))
    for label in present if len(present) <= NAMED else ():
        name = legible(measured.class_names[label], f"class {label}", 24)
        axes.plot(RECALLS, curves[label], label=f"{name} {measured.by_class[0, label]:.2f}")
    if len(present) > 1:
        mean = curves[present].mean(axis=0)
        axes.plot(RECALLS, mean, "k--", label=f"mean {measured.by_class[0, present].mean():.2f}")
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="recall", ylabel="precision")
    axes.set_title(f"precision by recall, IoU {measured.overlaps[0]:g}; AP in the legend")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    _files.save_figure(path, figure)


def _headline(metrics: Mapping[str, Any]) -> dict[str, str]:
    return {
        "mAP@0.5": f"{metrics['map_50']:.3f} ({_interval(metrics['map_50_interval'])})",
        "mAP@[.5:.95]": f"{metrics['map']:.3f} ({_interval(metrics['map_interval'])})",
        "pictures": f"{metrics['pictures']:,}",
        f"from score {metrics['score']:g}": f"{metrics['missed']:,} missed, "
        f"{metrics['false']:,} false",
    }


def _interval(ends: Sequence[float]) -> str:
    return f"{ends[0]:.3f}–{ends[1]:.3f}"


def _page(
    measured: AveragePrecision,
    metrics: Mapping[str, Any],
    mistakes: Sequence[PictureMistakes],
    curves: bytes,
) -> str:
    cells = "".join(
        f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in _headline(metrics).items()
    )
    facts = "".join(
        f"<div><dt>{escape(name)}</dt><dd><code>{escape(str(metrics[name]))}</code></dd></div>"
        for name in ("bundle", "detections", "data", "split")
        if metrics.get(name)
    )
    quiet = (
        '<p class="quiet">In brackets 95 % intervals: bootstrap of these pictures; they do not '
        "cover another training. Average precision as COCO's: 101 recalls, 100 detections a class "
        "and picture.</p>"
    )
    return html_page(
        "Evaluation of a detector",
        [
            f'<header><h1>Evaluation of a detector</h1><dl class="numbers">{cells}</dl></header>',
            quiet,
            section("Per class", html_table(measured.table())),
            section(
                "Precision and recall",
                f'<img class="wide" src="{_display.data_uri(curves)}" alt="Precision by recall">',
            ),
            _worst(mistakes, metrics["score"]),
            section("Data", f'<dl class="facts">{facts}</dl>') if facts else "",
        ],
    )


def _worst(mistakes: Sequence[PictureMistakes], score: float) -> str:
    """Draw the pictures with the most mistakes, each as large as the page allows."""
    worst = sorted((each for each in mistakes if each.count), key=lambda each: -each.count)[:WORST]
    if not worst:
        return section("Worst pictures", f"<p>No mistakes from score {score:g} on.</p>")
    figures = "".join(
        f"<p><strong>{escape(each.annotation.image.name)}</strong>: "
        f"{int(each.right.sum())} found, {int(each.missed.sum())} missed, "
        f"{int(each.false.sum())} false</p>"
        f'<img class="wide" src="{_jpeg_uri(each.draw())}" alt="Boxes found, missed and false">'
        for each in worst
    )
    count = sum(each.count > 0 for each in mistakes)
    return section(
        "Worst pictures",
        f"<p>{count:,} of {len(mistakes):,} pictures have mistakes from score {score:g} on; the "
        f"{len(worst)} with the most. Green: found; red: missed; yellow: false, with its score."
        f"</p>{figures}",
    )


def _jpeg_uri(image: np.ndarray) -> str:
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    _, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return "data:image/jpeg;base64," + base64.b64encode(encoded.tobytes()).decode()
