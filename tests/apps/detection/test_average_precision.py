"""Average precision is pycocotools', to 1e-9; its interval is a bootstrap of pictures."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightkit._errors import SightkitError
from sightkit.apps.detection import (
    AnnotatedPictures,
    Annotation,
    Detections,
    average_precision,
)

NAMES = ("a", "b", "none of it")


def scene(
    seed: int, pictures: int = 6, most: int = 12, crowd: float = 0.2
) -> tuple[AnnotatedPictures, list[Detections]]:
    """Objects, and detections near and far of them; scores and overlaps are often equal."""
    rng = np.random.default_rng(seed)
    annotations, detections = [], []
    for index in range(pictures):
        count = rng.integers(0, most)
        low = rng.integers(0, 60, (count, 2))
        boxes = np.hstack([low, low + rng.integers(1, 40, (count, 2))]).astype(np.float32)
        labels = rng.integers(0, 2, count)
        annotations.append(
            Annotation(Path(f"{index}.png"), (100, 100), boxes, labels, rng.random(count) < crowd)
        )
        near = np.repeat(boxes, 2, axis=0) + rng.integers(-3, 4, (2 * count, 4))
        far = rng.integers(0, 60, (5, 2))
        found = np.vstack([near, np.hstack([far, far + 20])]).astype(np.float32)
        found[:, 2:] = np.maximum(found[:, 2:], found[:, :2] + 1)
        scores = rng.integers(0, 20, len(found)) / 20
        guessed = np.append(np.repeat(labels, 2), rng.integers(0, 3, 5))
        detections.append(Detections(found, scores, guessed, NAMES))
    return AnnotatedPictures(tuple(annotations), NAMES), detections


def coco_precision(pictures: AnnotatedPictures, detections: list[Detections]) -> np.ndarray:
    """pycocotools' precision (T, 101, classes), NaN where it has -1."""
    coco = pytest.importorskip("pycocotools.coco")
    evaluator = pytest.importorskip("pycocotools.cocoeval")
    content: dict[str, list] = {"images": [], "annotations": [], "categories": [], "info": []}
    results = []

    def sides(box: np.ndarray) -> list[float]:
        x0, y0, x1, y1 = map(float, box)
        return [x0, y0, x1 - x0, y1 - y0]

    content["categories"] = [{"id": i, "name": n} for i, n in enumerate(pictures.class_names)]
    for image, (truth, found) in enumerate(zip(pictures.annotations, detections, strict=True)):
        content["images"].append({"id": image})
        for box, label, crowd in zip(truth.boxes, truth.labels, truth.difficult, strict=True):
            bbox = sides(box)
            content["annotations"].append({
                "id": len(content["annotations"]) + 1, "image_id": image, "bbox": bbox,
                "category_id": int(label), "area": bbox[2] * bbox[3], "iscrowd": int(crowd),
            })  # fmt: skip
        results += [
            {
                "image_id": image,
                "category_id": int(label),
                "bbox": sides(box),
                "score": float(score),
            }
            for box, label, score in zip(found.boxes, found.labels, found.scores, strict=True)
        ]
    with contextlib.redirect_stdout(io.StringIO()):
        truth_set = coco.COCO()
        truth_set.dataset = content
        truth_set.createIndex()
        run = evaluator.COCOeval(truth_set, truth_set.loadRes(results), "bbox")
        run.evaluate()
        run.accumulate()
    precision = run.eval["precision"][:, :, :, 0, 2]
    return np.where(precision == -1, np.nan, precision)


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.3]))
@settings(max_examples=25)
def test_average_precision_equals_pycocotools(seed: int, crowd: float) -> None:
    pictures, detections = scene(seed, crowd=crowd)
    if all(each.difficult.all() for each in pictures.annotations):
        return
    expected = coco_precision(pictures, detections).transpose(0, 2, 1)
    found = average_precision(pictures, detections)
    np.testing.assert_allclose(found.precisions, expected, rtol=0, atol=1e-9)
    assert abs(found.mean - np.nanmean(expected)) < 1e-9
    assert abs(found.at(0.5) - np.nanmean(expected[0])) < 1e-9


def simple(difficult: bool = False) -> AnnotatedPictures:
    boxes = np.array([[0, 0, 10, 10], [20, 20, 30, 30]], np.float32)
    one = Annotation(Path("a.png"), (50, 50), boxes, np.array([0, 0]), np.array([False, difficult]))
    return AnnotatedPictures((one,), ("a",))


def detected(*boxes: list[float]) -> list[Detections]:
    scores = np.linspace(0.9, 0.1, len(boxes))
    return [Detections(np.array(boxes), scores, np.zeros(len(boxes), int), ("a",))]


def test_average_precision_by_hand() -> None:
    right, wrong = [0, 0, 10, 10], [40, 40, 45, 45]
    assert average_precision(simple(), detected(right)).at(0.5) == pytest.approx(51 / 101)
    assert average_precision(simple(), detected(wrong, right)).at(0.5) == pytest.approx(25.5 / 101)
    assert average_precision(simple(), detected()).at(0.5) == 0
    # A second detection of one object is wrong; one of a difficult object does not count.
    twice = average_precision(simple(), detected(right, right, [20, 20, 30, 30]))
    assert twice.at(0.5) == pytest.approx((51 + 50 * 2 / 3) / 101)
    assert average_precision(simple(True), detected([20, 20, 30, 30], right)).at(
        0.5
    ) == pytest.approx(1)
    assert twice.table()[0]["objects"] == 2
    assert twice.table()[0]["recall"] == 1
    assert "AP@[0.5:0.95]" in twice.table()[0]
    single = average_precision(simple(), detected(right), (0.5,)).table()[0]
    assert list(single) == ["class", "objects", "detections", "AP@0.5", "recall"]


def test_interval_equals_drawing_the_pictures() -> None:
    pictures, detections = scene(3)
    found = average_precision(pictures, detections, (0.5,))
    drawn = np.array([0, 2, 2, 5, 5, 5])
    again = average_precision(
        AnnotatedPictures(tuple(pictures.annotations[i] for i in drawn), NAMES),
        [detections[i] for i in drawn],
        (0.5,),
    )
    np.testing.assert_allclose(found._drawn(drawn), again.by_class, atol=0.02)  # equal scores


def test_average_precision_refuses() -> None:
    with pytest.raises(SightkitError, match="must have its detections"):
        average_precision(simple(), [])
    other = [Detections(np.zeros((0, 4)), np.zeros(0), np.zeros(0), ("b",))]
    with pytest.raises(SightkitError, match="same classes"):
        average_precision(simple(), other)
    with pytest.raises(SightkitError, match="above 0"):
        average_precision(simple(), detected(), (0.0,))
    with pytest.raises(SightkitError, match="one that was measured"):
        average_precision(simple(), detected()).at(0.3)
    none = AnnotatedPictures(
        (Annotation(Path("a.png"), (5, 5), np.zeros((0, 4)), np.zeros(0), np.zeros(0)),), ("a",)
    )
    with pytest.raises(SightkitError, match="at least one object"):
        average_precision(none, detected())
