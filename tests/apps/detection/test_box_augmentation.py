"""Boxes move with their pixels, and only those that are still seen are left."""

from __future__ import annotations

import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.apps.detection.box_augmentation import BoxAugmentation
from sightkit.apps.detection.letterbox import Letterbox

CANVAS = Letterbox(96, 128)
BOXES = np.array([[10, 20, 40, 60], [70, 15, 110, 45]], np.float32)
COLOURS = ((255, 0, 0), (0, 0, 255))
LABELS = np.array([4, 7])


def picture():
    image = np.full((96, 128, 3), 127, np.uint8)
    for (x0, y0, x1, y1), colour in zip(BOXES.astype(int), COLOURS, strict=True):
        image[y0:y1, x0:x1] = colour
    return image


def around(canvas, colour):
    """The box around the pixels of a colour, more or less tinted and mixed at its edges."""
    reds = canvas.astype(int)[..., 0] - canvas.astype(int)[..., 2]
    rows, columns = np.nonzero(reds > 100 if colour == COLOURS[0] else reds < -100)
    return np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])


@pytest.mark.parametrize("views", ("upright", "any"))
@pytest.mark.parametrize("seed", range(12))
def test_boxes_are_around_the_pixels_that_were_in_them(views, seed):
    augment = BoxAugmentation(views, visible=0.05)
    rng = np.random.default_rng(seed)
    canvas, boxes, labels = augment(picture(), BOXES, LABELS, CANVAS, rng)
    assert canvas.shape == (96, 128, 3) and canvas.dtype == np.uint8
    assert boxes.dtype == np.float32 and len(boxes) == len(labels)
    for box, label in zip(boxes, labels, strict=True):
        colour = COLOURS[LABELS.tolist().index(label)]
        np.testing.assert_allclose(around(canvas, colour), box, atol=1.1)


def test_a_shift_of_the_boxes_would_be_seen():
    augment = BoxAugmentation(zoom=(1, 1), stretch=1, tint=0)
    canvas, boxes, _ = augment(picture(), BOXES, LABELS, CANVAS, np.random.default_rng(0))
    assert np.abs(around(canvas, COLOURS[0]) - boxes[0]).max() < 0.5
    assert np.abs(around(canvas, COLOURS[0]) - (boxes[0] + 3)).max() > 2


def test_the_same_generator_gives_the_same_picture():
    augment = BoxAugmentation("any")
    first, second, other = (
        augment(picture(), BOXES, LABELS, CANVAS, np.random.default_rng(seed)) for seed in (3, 3, 4)
    )
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert not np.array_equal(first[0], other[0])


def test_upright_never_turns_upside_down():
    low = BoxAugmentation(zoom=(1, 1), stretch=1, tint=0)
    middles = []
    for seed in range(20):
        _, boxes, labels = low(picture(), BOXES, LABELS, CANVAS, np.random.default_rng(seed))
        assert boxes[labels == 4][0, 1] == 20
        middles.append(boxes[labels == 4][0, 0])
    assert set(np.round(middles)) == {10, 88}


def test_boxes_that_are_cut_off_are_dropped_by_their_visible_share():
    kept = {
        visible: sum(
            len(BoxAugmentation(zoom=(2, 2), visible=visible)(
                picture(), BOXES, LABELS, CANVAS, np.random.default_rng(seed)
            )[1])
            for seed in range(30)
        )
        for visible in (0.05, 0.5, 1.0)
    }  # fmt: skip
    assert 60 > kept[0.05] > kept[0.5] > kept[1.0] > 0


def test_no_boxes_are_no_problem():
    empty = np.zeros((0, 4), np.float32), np.zeros(0, np.int64)
    _, boxes, labels = BoxAugmentation()(picture(), *empty, CANVAS, np.random.default_rng(0))
    assert boxes.shape == (0, 4) and labels.shape == (0,)


@pytest.mark.parametrize(
    "options", ({"zoom": (2, 1)}, {"stretch": 0.5}, {"tint": 1}, {"visible": 0}, {"views": "left"})
)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(SightkitError, match="Augmentation needs"):
        BoxAugmentation(**options)
