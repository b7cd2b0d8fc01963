"""Focal, smooth L1 and grid losses: by hand, at the start, and what moves them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sightkit.apps.detection.anchors import standard_anchors
from sightkit.apps.detection.box_coding import AnchorCoding
from sightkit.apps.detection.detector_losses import AnchorLoss, GridLoss, focal_loss, smooth_l1
from sightkit.apps.detection.grid_coding import GridCoding

BOXES = np.array([[8, 9, 40, 41], [50, 20, 90, 50], [52, 22, 92, 52]], np.float32)
LABELS = np.array([1, 0, 2])


@pytest.mark.parametrize("gamma", (0.0, 1.0, 2.0))
def test_focal_loss_is_its_formula(gamma):
    logits = np.linspace(-8, 8, 33, dtype=np.float32)
    for own in (0.0, 1.0):
        p = 1 / (1 + np.exp(-logits.astype(float)))
        q, a = (p, 0.25) if own else (1 - p, 0.75)
        found = np.asarray(focal_loss(np.full_like(logits, own), logits, 0.25, gamma))
        np.testing.assert_allclose(found, -a * (1 - q) ** gamma * np.log(q), rtol=2e-5)


def test_focal_loss_stays_finite_far_out():
    logits = np.array([-1e4, 1e4], np.float32)
    for own in (0.0, 1.0):
        assert np.isfinite(np.asarray(focal_loss(np.full(2, own, "f4"), logits, 0.25, 2.0))).all()


def test_smooth_l1_is_square_then_straight():
    found = np.asarray(smooth_l1(np.array([0.0, 0.5, -1.0, 3.0], np.float32)))
    np.testing.assert_allclose(found, [0, 0.125, 0.5, 2.5])


@pytest.mark.parametrize("prior", (0.01, 0.1))
@pytest.mark.parametrize("gamma", (0.0, 2.0))
def test_first_loss_is_that_of_the_prior(prior, gamma):
    """In closed form: of a matched anchor -log π where nothing weighs it."""
    coding = AnchorCoding(standard_anchors((64, 96), (8, 16)), 3, prior)
    target = coding.encode(BOXES, LABELS)
    matched, counted = (target[:, 4] >= 0).sum(), (target[:, 4] >= -1).sum()
    own = -0.25 * (1 - prior) ** gamma * math.log(prior)
    other = -0.75 * prior**gamma * math.log(1 - prior)
    size = np.abs(target[:, :4])
    boxes = np.where(size < 1, size**2 / 2, size - 0.5).sum()
    expected = own + ((counted * 3 - matched) * other + boxes) / matched
    found = float(AnchorLoss(gamma=gamma)(target[None], coding.prior_output()[None]))
    assert found == pytest.approx(expected, rel=1e-5)


def test_anchor_loss_leaves_out_what_is_between():
    coding = AnchorCoding(standard_anchors((64, 96), (8, 16)), 3)
    target, output = coding.encode(BOXES, LABELS), coding.prior_output()
    loss = AnchorLoss()
    before = float(loss(target[None], output[None]))
    output[target[:, 4] == -2, 4:] = 9
    assert float(loss(target[None], output[None])) == pytest.approx(before)
    output[target[:, 4] == -1, 4:] = 9
    assert float(loss(target[None], output[None])) > 10 * before


def test_anchor_loss_of_a_perfect_output_is_nothing():
    coding = AnchorCoding(standard_anchors((64, 96), (8, 16)), 3)
    target = coding.encode(BOXES, LABELS)
    found = float(AnchorLoss()(target[None], coding.perfect_output(target)[None]))
    assert 0 <= found < 1e-3


def test_pictures_without_boxes_have_a_loss_of_their_own():
    coding = AnchorCoding(standard_anchors((64, 96), (8,)), 2)
    empty = coding.encode(np.zeros((0, 4), np.float32), np.zeros(0, np.int64))
    target = np.stack([empty, coding.encode(BOXES[:1], np.array([0]))])
    loss = AnchorLoss().call(target, np.stack([coding.prior_output()] * 2))
    assert loss.shape == (2,) and np.isfinite(np.asarray(loss)).all()


def test_grid_loss_is_that_of_the_paper():
    grid = GridCoding((64, 96), (2, 3), 3)
    target = grid.encode(BOXES[:1], LABELS[:1])
    assert float(GridLoss(2)(target[None], grid.perfect_output(target)[None])) < 1e-6
    # All 0.5: 12 confidences, one of them its box's; three classes; middle and roots of the sides.
    box = target[0, 0, 1:5]
    low, high = box[:2] / [3, 2] - box[2:] ** 2 / 2, box[:2] / [3, 2] + box[2:] ** 2 / 2
    mine = (np.array([0.5, 0.5]) / [3, 2] - 0.125, np.array([0.5, 0.5]) / [3, 2] + 0.125)
    common = (np.minimum(high, mine[1]) - np.maximum(low, mine[0])).prod()
    overlap = common / ((high - low).prod() + 0.0625 - common)
    expected = 5 * ((box - 0.5) ** 2).sum() + (overlap - 0.5) ** 2 + 0.5 * 11 * 0.25 + 3 * 0.25
    found = float(GridLoss(2)(target[None], grid.prior_output()[None]))
    assert found == pytest.approx(expected, rel=1e-4)
