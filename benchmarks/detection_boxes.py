"""Measure what is done with boxes alone: suppression, and the equality of average precision.

    python benchmarks/detection_boxes.py [--quick] [--json FILE]

Suppression against OpenCV's and imutils', at 1,000 and 10,000 boxes, in two scenes: spread (most
boxes stay) and crowded (a hundred candidates an object, as a detector gives them). All get NumPy
arrays in the form that they take. imutils keeps others: it divides by the area of one box alone,
and so does less work where boxes are crowded; there it has no bar. Average precision: the largest
difference from pycocotools' (extra detect) on random scenes, of every precision at every recall.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import measure
import numpy as np

from sightkit import _cli

OPENCV_BAR, IMUTILS_BAR, EXACT = 1.1, 5.0, 1e-9
SIZES = (1_000, 10_000)
CANDIDATES = 100
"""Boxes an object in a crowd."""


@dataclass(frozen=True)
class Config:
    """Measure boxes."""

    quick: bool = False
    """Few rounds and scenes: a smoke test whose figures mean little."""
    json: Path | None = None
    """File to write the rows to."""


def main(config: Config) -> list[measure.Row]:
    rows = [*suppression_rows(config.quick), average_precision_row(5 if config.quick else 50)]
    measure.report(rows, config.json)
    return rows


def scene(kind: str, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return boxes, float32 (N, 4), and scores, float32 (N,)."""
    rng = np.random.default_rng(0)
    objects = count if kind == "spread" else count // CANDIDATES
    low = rng.uniform(0, 4000 if kind == "spread" else 1000, (objects, 2))
    boxes = np.hstack([low, low + rng.uniform(20, 120, (objects, 2))])
    if kind == "crowded":
        boxes = np.repeat(boxes, CANDIDATES, axis=0)
        sides = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
        boxes += rng.normal(0, 0.1, boxes.shape) * sides
        boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + 2)
    return boxes.astype(np.float32), rng.permutation(count).astype(np.float32) + 1


def suppression_rows(quick: bool) -> list[measure.Row]:
    """Compare our suppression with OpenCV's and imutils' in time, with OpenCV's in its answer."""
    from imutils.object_detection import non_max_suppression

    from sightkit.apps.detection import non_maxima_suppression

    opencv: Any = cv2.dnn
    rows = []
    for kind in ("spread", "crowded"):
        for count in SIZES:
            boxes, scores = scene(kind, count)
            corners = np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]]).astype(np.float64)
            times = SIZES[-1] // count  # a call takes a quarter of a millisecond at the least
            costs = measure.interleaved_costs(
                {
                    "ours": repeated(times, non_maxima_suppression, boxes, scores),
                    "opencv": repeated(times, opencv.NMSBoxes, corners, scores, 0, 0.5),
                    "imutils": repeated(times, non_max_suppression, boxes, scores, 0.5),
                },
                rounds=2 if quick else 15,
            )
            kept = non_maxima_suppression(boxes, scores)
            equal = kept.tolist() == list(opencv.NMSBoxes(corners, scores, 0, 0.5))
            name = f"suppression, {count:,} boxes, {kind}"
            figures = {"milliseconds": 1e3 * costs["ours"].wall / times, "kept": len(kept)}
            rows += [
                measure.at_most(
                    name, "cv2.dnn.NMSBoxes", costs["ours"].wall / costs["opencv"].wall,
                    OPENCV_BAR, cpu_ratio=costs["ours"].cpu / costs["opencv"].cpu,
                    same_indices=equal, **figures,
                ),
                measure.at_least(
                    name, "imutils", costs["imutils"].wall / costs["ours"].wall,
                    IMUTILS_BAR if kind == "spread" else 0.0,
                    cpu_ratio=costs["imutils"].cpu / costs["ours"].cpu,
                    kept_by_imutils=len(non_max_suppression(boxes, scores, 0.5)), **figures,
                ),
            ]  # fmt: skip
    return rows


def repeated(times: int, function: Callable[..., Any], *args: Any) -> Callable[[], None]:
    """Return a call that makes several."""

    def call() -> None:
        for _ in range(times):
            function(*args)

    return call


def average_precision_row(scenes: int) -> measure.Row:
    """Compare average precision with pycocotools' on random objects and detections."""
    from sightkit.apps.detection import average_precision

    largest = 0.0
    for seed in range(scenes):
        pictures, detections = random_scene(seed)
        ours = average_precision(pictures, detections).precisions
        theirs = coco_precisions(pictures, detections)
        largest = max(largest, float(np.nanmax(np.abs(ours - theirs))))
    return measure.at_most(
        f"average precision: largest difference by {EXACT:g}", "pycocotools", largest / EXACT,
        1.0, scenes=scenes,
    )  # fmt: skip


def random_scene(seed: int) -> tuple[Any, list[Any]]:
    """Return annotated pictures and detections near and far of their objects."""
    from sightkit.apps.detection import AnnotatedPictures, Annotation, Detections

    rng, names = np.random.default_rng(seed), ("a", "b", "c")
    annotations, detections = [], []
    for index in range(10):
        count = int(rng.integers(1, 15))
        low = rng.integers(0, 60, (count, 2))
        boxes = np.hstack([low, low + rng.integers(1, 40, (count, 2))]).astype(np.float32)
        labels, difficult = rng.integers(0, 3, count), rng.random(count) < 0.1
        annotations.append(Annotation(Path(f"{index}.png"), (100, 100), boxes, labels, difficult))
        near = np.repeat(boxes, 2, axis=0) + rng.normal(0, 2, (2 * count, 4))
        near[:, 2:] = np.maximum(near[:, 2:], near[:, :2] + 1)
        scores = rng.integers(0, 50, 2 * count) / 50
        guessed = np.where(
            rng.random(2 * count) < 0.9, np.repeat(labels, 2), rng.integers(0, 3, 2 * count)
        )
        detections.append(Detections(near, scores, guessed, names))
    return AnnotatedPictures(tuple(annotations), names), detections


def coco_precisions(pictures: Any, detections: list[Any]) -> np.ndarray:
    """Return pycocotools' precisions (overlaps, classes, recalls); NaN where it has none."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    def sides(box: np.ndarray) -> list[float]:
        x0, y0, x1, y1 = map(float, box)
        return [x0, y0, x1 - x0, y1 - y0]

    truth: list[dict[str, Any]] = []
    found: list[dict[str, Any]] = []
    for image, (each, answer) in enumerate(zip(pictures.annotations, detections, strict=True)):
        for box, label, hard in zip(each.boxes, each.labels, each.difficult, strict=True):
            x, y, width, height = sides(box)
            truth.append({
                "id": len(truth) + 1, "image_id": image, "category_id": int(label),
                "bbox": [x, y, width, height], "area": width * height, "iscrowd": int(hard),
            })  # fmt: skip
        found += [
            {"image_id": image, "category_id": int(label), "bbox": sides(box), "score": float(s)}
            for box, label, s in zip(answer.boxes, answer.labels, answer.scores, strict=True)
        ]
    with contextlib.redirect_stdout(io.StringIO()):
        coco: Any = COCO()
        coco.dataset = {
            "images": [{"id": image} for image in range(len(pictures))],
            "annotations": truth,
            "categories": [{"id": i, "name": n} for i, n in enumerate(pictures.class_names)],
            "info": {},
        }
        coco.createIndex()
        run = COCOeval(coco, coco.loadRes(found), "bbox")
        run.evaluate()
        run.accumulate()
    precision = run.eval["precision"][:, :, :, 0, 2].transpose(0, 2, 1)
    return np.where(precision == -1, np.nan, precision)


if __name__ == "__main__":
    _cli.run(main, Config)
