"""Letterbox, anchors and the coding of boxes: there and back, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.apps.detection.anchors import Anchors, proposed_anchors, standard_anchors
from sightkit.apps.detection.box_coding import AnchorCoding, decode_boxes, encode_boxes
from sightkit.apps.detection.grid_coding import GridCoding
from sightkit.apps.detection.letterbox import GREY, Letterbox


@pytest.mark.parametrize("size", ((480, 640), (640, 480), (33, 1000), (10, 12), (320, 416)))
def test_letterbox_takes_boxes_there_and_back(size):
    canvas = Letterbox(320, 416)
    boxes = np.array([[0, 0, size[1], size[0]], [1, 2, 5, 9]], np.float32)
    there = boxes * canvas.scale(size)
    assert there[0, 2:].tolist() == list(canvas.inside(size)[::-1])
    np.testing.assert_allclose(canvas.boxes_back(there, size), boxes, rtol=1e-6, atol=1e-4)


def test_letterbox_places_a_picture_at_its_upper_left():
    image = np.zeros((10, 40, 3), np.uint8)
    found = Letterbox(32, 64)(image)
    assert found.shape == (32, 64, 3)
    assert (found[:16] == 0).all() and (found[16:] == GREY).all()


def test_standard_anchors_are_retinanets():
    anchors = standard_anchors((64, 96), (8, 16))
    assert anchors.boxes.shape == (9 * (8 * 12 + 4 * 6), 4)
    assert anchors.boxes.dtype == np.float32
    sides = anchors.boxes[1, 2:] - anchors.boxes[1, :2]
    np.testing.assert_allclose(sides, 32, atol=0.01)
    np.testing.assert_allclose(anchors.boxes[1].reshape(2, 2).mean(axis=0), [4, 4], atol=0.01)


def test_best_overlap_finds_what_no_anchor_covers():
    anchors = standard_anchors((64, 64), (8,))
    middle = np.array([36, 36, 36, 36])
    fine, thin = middle + np.array([[-16, -16, 16, 16], [-30, -2, 30, 2]])
    found = anchors.best_overlap(np.array([fine, thin], np.float32))
    assert found[0] > 0.8 and found[1] < 0.3
    assert anchors.best_overlap(np.zeros((0, 4), np.float32)).shape == (0,)


def test_proposed_anchors_cover_thin_boxes():
    rng = np.random.default_rng(0)
    low = rng.uniform(0, 40, (200, 2))
    boxes = np.concatenate([low, low + np.exp(rng.normal([3.9, 2.6], 0.2, (200, 2)))], 1)
    boxes = boxes.astype(np.float32)
    standard, proposed = standard_anchors((64, 96)), proposed_anchors(boxes, (64, 96))
    assert (standard.best_overlap(boxes) < 0.5).mean() > 0.4
    assert (proposed.best_overlap(boxes) < 0.5).mean() < 0.05
    areas = [w * h for w, h in proposed.shapes[0][1]]
    assert areas == sorted(areas) and 200 < areas[0] < areas[-1] < 1600
    again = proposed_anchors(boxes, (64, 96))
    assert again == proposed


def test_proposed_anchors_of_one_kind_of_box_are_enlarged():
    found = proposed_anchors(np.array([[0, 0, 10, 20]] * 3, np.float32), (64, 64), (8, 16))
    assert found.per_place == 9
    assert found.shapes[0][1][0] == (10.0, 20.0)


@pytest.mark.parametrize("shapes", (((8, ((1.0, 2.0),)), (16, ())), ((8, ((0.0, 2.0),)),)))
def test_anchors_without_sides_are_refused(shapes):
    with pytest.raises(SightkitError, match="same number of anchors"):
        Anchors((64, 64), shapes)


def test_no_boxes_propose_no_anchors():
    with pytest.raises(SightkitError, match="training pictures"):
        proposed_anchors(np.zeros((0, 4), np.float32), (64, 64))


def test_codes_decode_to_their_boxes():
    rng = np.random.default_rng(1)
    low = rng.uniform(0, 50, (2, 100, 2))
    boxes, anchors = np.concatenate([low, low + rng.uniform(1, 60, low.shape)], -1).astype("f4")
    np.testing.assert_allclose(
        decode_boxes(encode_boxes(boxes, anchors), anchors), boxes, atol=1e-3
    )
    assert not encode_boxes(anchors, anchors).any()


def test_codes_are_those_of_faster_rcnn():
    code = encode_boxes(np.array([[10, 10, 30, 50.0]]), np.array([[0, 0, 20, 20.0]]))
    np.testing.assert_allclose(code, [[5.0, 10.0, 0.0, np.log(2) / 0.2]], rtol=1e-6)


CODING = AnchorCoding(standard_anchors((64, 96), (8, 16)), 3)


def test_encoding_matches_ignores_and_leaves_background():
    boxes = np.array([[10, 10, 42, 42], [60, 20, 92, 50]], np.float32)
    target = CODING.encode(boxes, np.array([2, 0]))
    best = CODING.anchors.boxes
    from sightkit.apps.detection.boxes import intersection_over_union

    overlap = intersection_over_union(boxes, best)
    labels = target[:, 4]
    assert (labels[overlap.max(0) < 0.4] == -1).all()
    assert (labels[(overlap.max(0) >= 0.5) & (overlap.argmax(0) == 0)] == 2).all()
    between = (overlap.max(0) >= 0.4) & (overlap.max(0) < 0.5)
    assert between.any() and (labels[between] == -2).all()


def test_every_box_has_its_best_anchor():
    thin = np.array([[10, 30, 80, 34]], np.float32)
    assert CODING.unreachable(thin, np.array([1])).all()
    target = CODING.encode(thin, np.array([1]))
    assert (target[:, 4] == 1).sum() == 1


def test_pictures_without_boxes_are_background():
    target = CODING.encode(np.zeros((0, 4), np.float32), np.zeros(0, np.int64))
    assert (target[:, 4] == -1).all() and not target[:, :4].any()


@pytest.mark.parametrize("coding", (CODING, GridCoding((64, 96), (2, 3), 3)))
def test_a_perfect_output_gives_the_boxes_back(coding):
    boxes = np.array([[3, 4, 30, 29], [60, 20, 95, 55]], np.float32)
    labels = np.array([2, 0])
    found, scores = coding.decode(coding.perfect_output(coding.encode(boxes, labels)))
    for box, label in zip(boxes, labels, strict=True):
        (rows,) = np.nonzero((np.abs(found - box).max(axis=1) < 0.01) & (scores[:, label] > 0.99))
        assert len(rows)
    assert (scores > 0.5).any(axis=1).sum() < len(scores) / 2


def test_a_cell_of_the_grid_holds_the_larger_box():
    grid = GridCoding((64, 96), (2, 3), 3)
    boxes = np.array([[10, 10, 20, 20], [2, 2, 28, 28]], np.float32)
    assert grid.unreachable(boxes, np.array([0, 1])).tolist() == [True, False]
    assert grid.encode(boxes, np.array([0, 1]))[0, 0, 5:].tolist() == [0, 1, 0]
