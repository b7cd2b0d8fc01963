"""What a detector found: sorted, checked, and the same after JSON; boxes drawn into photos."""

from __future__ import annotations

import json

import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.apps.detection import Detections, draw_boxes, draw_detections

NAMES = ("cat", "dog")
BOXES = np.array([[0, 0, 10, 10], [1.5, 2, 9, 8], [0, 0, 5, 5]], np.float32)
FOUND = Detections(BOXES, np.array([0.5, 0.9, 0.5], np.float32), np.array([0, 1, 1]), NAMES)


def test_detections_are_sorted_by_score_then_index() -> None:
    np.testing.assert_array_equal(FOUND.scores, np.array([0.9, 0.5, 0.5], np.float32))
    np.testing.assert_array_equal(FOUND.labels, [1, 0, 1])
    np.testing.assert_array_equal(FOUND.boxes, BOXES[[1, 0, 2]])
    assert FOUND.names() == ["dog", "cat", "dog"]


def test_detections_json_round_trip() -> None:
    content = json.loads(json.dumps(FOUND.to_json("a.jpg")))
    assert content["image"] == "a.jpg"
    assert content["detections"][0] == {"label": "dog", "score": 0.9, "box": [1.5, 2, 9, 8]}
    again = Detections.from_json(content, NAMES)
    for name in ("boxes", "scores", "labels"):
        np.testing.assert_array_equal(getattr(again, name), getattr(FOUND, name))
    with pytest.raises(SightkitError, match=r"unknown=.'dog'."):
        Detections.from_json(content, ("cat",))


def test_detections_may_be_none() -> None:
    empty = Detections(np.zeros((0, 4)), np.zeros(0), np.zeros(0), NAMES)
    assert len(empty) == 0
    assert empty.to_json("a.jpg")["detections"] == []
    assert empty.labels.dtype == np.int64


@pytest.mark.parametrize(
    ("boxes", "scores", "labels", "message"),
    [
        (BOXES[:1], [np.nan], [0], "score must be a number"),
        (BOXES[:1], [1.5], [0], "score must be a number"),
        (BOXES[:1], [0.5], [2], "index of a class name"),
        (BOXES[:1], [0.5], [-1], "index of a class name"),
        (BOXES[:1], [0.5], [0.0], "index of a class name"),
        (BOXES[:2], [0.5], [0], "a box, a score and a label"),
        ([[1, 1, 1, 2]], [0.5], [0], "must have an area.*zero area"),
        ([[2, 1, 1, 2]], [0.5], [0], "must have an area.*swapped"),
        ([[0, 0, np.inf, 2]], [0.5], [0], "must have an area.*not finite"),
    ],
)
def test_detections_refuse(boxes: object, scores: object, labels: object, message: str) -> None:
    with pytest.raises(SightkitError, match=message):
        Detections(np.array(boxes), np.array(scores), np.array(labels), NAMES)


@pytest.mark.parametrize("shade", [0, 128, 255])
def test_draw_boxes_is_seen_on_any_ground(shade: int) -> None:
    image = np.full((100, 120, 3), shade, np.uint8)
    drawn = draw_boxes(image, np.array([[20, 40, 80, 90]]), ["Zelle 0.9"])
    assert drawn.shape == image.shape
    assert (image == shade).all()  # a copy
    edge = drawn[41:90, 20]
    assert (np.ptp(edge, axis=0) == 0).all()
    assert (np.abs(edge[0].astype(int) - shade).max() > 80).all()
    inside = drawn[45:85, 25:75]
    assert (inside == shade).all()


def test_draw_boxes_keeps_captions_in_the_picture() -> None:
    image = np.zeros((60, 80, 1), np.uint8)
    boxes = np.array([[0, 0, 80, 60], [70, 50, 80, 60]], np.float32)
    drawn = draw_boxes(image, boxes, ["a long caption that has no room", "Größe"])
    assert drawn.shape == (60, 80, 3)
    assert drawn[:12, 1:].any()


@pytest.mark.parametrize("shape", [(60, 80, 3), (1, 1, 3)])
def test_draw_boxes_far_outside_are_not_seen(shape: tuple[int, int, int]) -> None:
    image = np.zeros(shape, np.uint8)
    boxes = np.array([[-1e30, -1e30, 1e30, 1e30], [-9e8, -9e8, -8e8, -8e8]], np.float32)
    assert not draw_boxes(image, boxes).any()
    assert draw_boxes(image, np.array([[-1e30, 0, 1e30, 1]])).any()


def test_draw_boxes_refuses_one_caption_for_two_boxes() -> None:
    with pytest.raises(SightkitError, match="caption"):
        draw_boxes(np.zeros((9, 9, 3), np.uint8), BOXES, ["a"])


def test_draw_detections_takes_a_colour_a_class() -> None:
    drawn = draw_detections(np.zeros((50, 50, 3), np.uint8), FOUND)
    assert len(np.unique(drawn.reshape(-1, 3), axis=0)) > 3
