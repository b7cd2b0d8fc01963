"""Non-maxima suppression keeps what the definition keeps, in its order."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightkit._errors import SightkitError
from sightkit.apps.detection import intersection_over_union, non_maxima_suppression, suppression
from sightkit.apps.detection.close_pairs import close_pairs


def oracle(
    boxes: np.ndarray, scores: np.ndarray, labels: np.ndarray | None, overlap: float
) -> list[int]:
    """Every box against every one that was kept before it."""
    kept: list[int] = []
    overlaps = intersection_over_union(boxes, boxes)
    for index in sorted(range(len(boxes)), key=lambda index: (-scores[index], index)):
        same = [each for each in kept if labels is None or labels[each] == labels[index]]
        if all(overlaps[each, index] <= overlap + 1e-9 for each in same):
            kept.append(index)
    return kept


@st.composite
def scenes(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    count = draw(st.integers(0, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    side = draw(st.sampled_from([4, 30, 200]))
    step = draw(st.sampled_from([1.0, 0.125]))
    low = rng.integers(0, side, (count, 2)) * step
    boxes = np.hstack([low, low + rng.integers(1, side, (count, 2)) * step]).astype(np.float32)
    levels = draw(st.sampled_from([1, 3, 1000]))  # equal scores, also below 0 (margins)
    scores = (rng.integers(0, levels, count) / levels - 0.5).astype(np.float32)
    labels = rng.integers(0, 3, count) if draw(st.booleans()) else None
    return boxes, scores, labels


@given(scenes(), st.sampled_from([0.0, 0.25, 1 / 3, 0.5, 0.6, 1.0]))
def test_suppression_equals_the_definition(
    scene: tuple[np.ndarray, np.ndarray, np.ndarray | None], overlap: float
) -> None:
    kept = non_maxima_suppression(*scene, overlap)
    assert kept.dtype == np.int64
    assert kept.tolist() == oracle(*scene, overlap)


@given(scenes(), st.sampled_from([0.0, 0.25, 0.5, 0.6, 1.0]), st.booleans())
def test_suppression_by_blocks_and_near_pairs_is_the_same(
    scene: tuple[np.ndarray, np.ndarray, np.ndarray | None], overlap: float, spread: bool
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(suppression, "BLOCK", 3)
        patch.setattr(suppression, "AT_ONCE", 5)
        patch.setattr("sightkit.apps.detection.close_pairs.ENOUGH", 0)
        patch.setattr(suppression, "MANY", 8)
        patch.setattr(suppression, "SPREAD", 1000 if spread else 0)
        assert non_maxima_suppression(*scene, overlap).tolist() == oracle(*scene, overlap)


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.2, 0.5, 0.9]))
def test_close_pairs_are_all_that_overlap(seed: int, overlap: float) -> None:
    rng = np.random.default_rng(seed)
    low, sides = rng.uniform(0, 50, (60, 2)), np.exp(rng.uniform(0, 5, (60, 2)))
    boxes = np.hstack([low, low + sides])
    boxes[40:] = boxes[:20] * rng.uniform(0.9, 1.1, (20, 4))
    boxes[40:, 2:] = np.maximum(boxes[40:, 2:], boxes[40:, :2])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sightkit.apps.detection.close_pairs.ENOUGH", 0)
        pairs = close_pairs(boxes, overlap)
    assert pairs is not None
    exceeding = np.triu(intersection_over_union(boxes, boxes) > overlap, 1)
    assert {*zip(*map(np.ndarray.tolist, pairs), strict=True)} == {
        *map(tuple, np.argwhere(exceeding).tolist())
    }


def test_close_pairs_give_up_where_boxes_are_crowded() -> None:
    rng = np.random.default_rng(0)
    low = rng.uniform(0, 5, (500, 2))
    assert close_pairs(np.hstack([low, low + 100]), 0.5) is None
    assert close_pairs(np.hstack([low, low + 1]), 0.1) is None


def test_suppression_equals_opencv_on_many_boxes() -> None:
    rng = np.random.default_rng(0)
    low = rng.uniform(0, 2000, (3000, 2))
    boxes = np.hstack([low, low + rng.uniform(20, 120, (3000, 2))]).astype(np.float32)
    scores = rng.permutation(3000).astype(np.float32) + 1
    corners = np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]]).astype(np.float64)
    expected = cv2.dnn.NMSBoxes(corners, scores, 0, 0.5)  # type: ignore[arg-type]
    assert non_maxima_suppression(boxes, scores).tolist() == list(expected)


def test_suppression_of_known_boxes() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [50, 50, 60, 60], [0, 0, 10, 10]], np.float32)
    scores = np.array([0.8, 0.9, 0.1, 0.9])
    assert non_maxima_suppression(boxes, scores).tolist() == [1, 2]
    assert non_maxima_suppression(boxes, scores, np.array([0, 0, 0, 1])).tolist() == [1, 3, 2]
    assert non_maxima_suppression(boxes, scores, overlap=0.9).tolist() == [1, 3, 2]
    assert non_maxima_suppression(boxes[:0], scores[:0]).tolist() == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scores": np.array([np.nan, 0.5])}, "score must not be nan.*index=0"),
        ({"boxes": np.array([[0, 0, 1, 1], [0, 0, np.inf, 1]])}, "box must not be nan.*index=1"),
        ({"scores": np.array([0.5])}, "must have a score"),
        ({"labels": np.array([0])}, "must have a score, and a label"),
        ({"overlap": 1.5}, "overlap must be from 0 to 1"),
        ({"overlap": float("nan")}, "overlap must be from 0 to 1"),
    ],
)
def test_suppression_refuses(change: dict[str, object], message: str) -> None:
    given = {"boxes": np.array([[0, 0, 1, 1], [0, 0, 2, 2]]), "scores": np.array([0.1, 0.2])}
    with pytest.raises(SightkitError, match=message):
        non_maxima_suppression(**{**given, **change})  # type: ignore[arg-type]
