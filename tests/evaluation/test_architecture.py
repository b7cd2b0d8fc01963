"""The picture of a network shows every layer and leads every edge around what is in its way."""

from __future__ import annotations

import itertools
from pathlib import Path
from xml.etree import ElementTree

import cv2
import keras
import pytest

from sightkit import zoo
from sightkit._errors import SightkitError
from sightkit.evaluation import architecture, draw_architecture

SMALL = {
    "lenet": {"input_shape": (12, 12, 1), "classes": 3},
    "minigooglenet": {"input_shape": (32, 32, 3), "classes": 3},
    "resnet_cifar": {"input_shape": (16, 16, 3), "classes": 3, "stages": (2, 1, 1)},
    "unet": {"input_shape": (16, 16, 1), "classes": 2},
}


def outline(name: str) -> keras.Model:
    with keras.StatelessScope(initialize_variables=False):
        return zoo.build(name, **SMALL[name])


@pytest.mark.parametrize("name", SMALL)
def test_every_layer_is_in_a_box_and_no_two_boxes_meet(name: str) -> None:
    model = outline(name)
    boxes = architecture._boxes(model)
    assert sum(len(box.kinds) for box in boxes) == len(model.layers)
    assert sum(box.parameters for box in boxes) == model.count_params()
    places = sorted((box.row, box.x) for box in boxes)
    for (row, x), (other_row, other_x) in itertools.pairwise(places):
        assert row != other_row or other_x - x >= architecture.WIDTH
    for box in boxes:
        assert all(parent.row < box.row for parent in box.parents)


def test_edges_that_skip_boxes_go_around_them_each_in_its_lane() -> None:
    boxes = architecture._boxes(outline("unet"))
    sides = [xs[1] for xs, _ in architecture._routes(boxes) if len(xs) > 2]
    assert len(sides) == 4
    assert len({round(side, 3) for side in sides}) == 4
    assert min(sides) > max(box.x for box in boxes) + architecture.WIDTH / 2


@pytest.mark.slow
def test_png_and_svg_are_written_and_can_be_read(tmp_path: Path) -> None:
    paths = [tmp_path / "net.png", tmp_path / "net.svg"]
    draw_architecture(outline("minigooglenet"), paths)
    picture = cv2.imread(str(paths[0]))
    assert picture is not None and picture.std() > 5
    assert ElementTree.parse(paths[1]).getroot().tag.endswith("svg")


def test_another_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SightkitError, match="png, svg, pdf"):
        draw_architecture(outline("lenet"), [tmp_path / "net.gif"])
