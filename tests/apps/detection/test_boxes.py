"""Boxes: what is refused, by index; areas, overlaps, cutting."""

from __future__ import annotations

import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.apps.detection import boxes as module
from sightkit.apps.detection.boxes import (
    box_areas,
    box_faults,
    checked_boxes,
    clip_boxes,
    intersection_over_union,
)

SIZE = (20, 30)


@pytest.mark.parametrize(
    ("box", "fault"),
    [
        ([np.nan, 0, 5, 5], "not finite"),
        ([5, 0, 2, 5], "swapped corners"),
        ([0, 5, 5, 2], "swapped corners"),
        ([3, 3, 3, 8], "zero area"),
        ([3, 8, 8, 8], "zero area"),
        ([-1, 0, 5, 5], "negative"),
        ([0, 0, 31, 5], "outside"),
        ([0, 0, 5, 21], "outside"),
    ],
)
def test_checked_boxes_names_the_fault_and_the_index(box: list[float], fault: str) -> None:
    boxes = [[0, 0, 30, 20], box]
    assert box_faults(np.array(boxes, np.float32), SIZE) == {fault: [1]}
    assert fault in module.FAULTS
    with pytest.raises(SightkitError, match=rf"{fault.replace(' ', '_')}='boxes 1'"):
        checked_boxes(boxes, SIZE)


def test_checked_boxes_takes_whole_picture_and_no_box() -> None:
    assert checked_boxes([[0, 0, 30, 20]], SIZE).dtype == np.float32
    assert checked_boxes([], SIZE).shape == (0, 4)
    assert checked_boxes([[0, 0, 300, 200]]).shape == (1, 4)


@pytest.mark.parametrize("boxes", [[1, 2, 3, 4], [[1, 2, 3]], [["a", 2, 3, 4]]])
def test_checked_boxes_refuses_other_shapes(boxes: list[object]) -> None:
    with pytest.raises(SightkitError, match=r"\(N, 4\)"):
        checked_boxes(boxes)


def test_intersection_over_union_of_known_boxes() -> None:
    a = np.array([[0, 0, 10, 10], [20, 20, 20, 20]], np.float32)
    b = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [10, 0, 20, 10], [2, 2, 4, 4]], np.float32)
    np.testing.assert_array_equal(box_areas(a), [100, 0])
    overlaps = intersection_over_union(a, b)
    np.testing.assert_allclose(overlaps[0], [1, 1 / 3, 0, 0.04], rtol=1e-15)
    np.testing.assert_array_equal(overlaps[1], 0)
    assert intersection_over_union(a, b[:0]).shape == (2, 0)


def test_clip_boxes_cuts_at_the_borders() -> None:
    boxes = np.array([[-5, -5, 40, 40], [1, 2, 3, 4], [50, 50, 60, 60]], np.float32)
    np.testing.assert_array_equal(
        clip_boxes(boxes, SIZE), [[0, 0, 30, 20], [1, 2, 3, 4], [30, 20, 30, 20]]
    )
