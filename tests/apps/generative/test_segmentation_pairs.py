"""Pictures and masks: what is read, and what is refused before any training."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from sightkit import io
from sightkit._errors import SightkitError
from sightkit.apps.generative.mask_classes import (
    IGNORED,
    MaskClasses,
    read_mask_classes,
    read_mask_values,
)
from sightkit.apps.generative.segmentation_flags import write_masked_shapes
from sightkit.apps.generative.segmentation_pairs import read_pairs


@pytest.fixture
def shapes(tmp_path):
    return write_masked_shapes(tmp_path / "shapes", 8, 24)


def test_read_pairs_divides_without_overlap(shapes):
    pairs = read_pairs(shapes)
    assert {split: len(each) for split, each in pairs.items()} == {"train": 6, "val": 1, "test": 1}
    every = [path for each in pairs.values() for path in each.pictures]
    assert len({*every}) == 8
    assert pairs["train"].classes.names == ("background", "disc", "square")
    assert read_pairs(shapes)["test"].pictures == pairs["test"].pictures
    assert read_pairs(shapes, seed=3)["train"].pictures != pairs["train"].pictures


def test_labels_are_places_in_the_names(shapes):
    (shapes / "classes.csv").write_text("id,name\n2,square\n0,void\n1,disc\n")
    pairs = read_pairs(shapes)["train"]
    assert pairs.classes.names == ("square", "disc")
    values = np.asarray(Image.open(pairs.masks[0]))
    labels = pairs.labels(0)
    assert np.array_equal(labels == 0, values == 2) and np.array_equal(labels == 1, values == 1)
    assert np.array_equal(labels == IGNORED, values == 0)


def test_colours_and_palettes_are_values(shapes):
    colours = np.array([[0, 0, 0], [255, 0, 0], [0, 0, 255]], np.uint8)
    given = read_pairs(shapes)
    plain = {s: [pairs.labels(row) for row in range(len(pairs))] for s, pairs in given.items()}
    for path in (shapes / "masks").iterdir():
        values = np.asarray(Image.open(path))
        Image.fromarray(colours[values]).save(path)
    rows = "\n".join(f"{n},{r},{g},{b}" for n, (r, g, b) in zip("abc", colours, strict=True))
    (shapes / "classes.csv").write_text(f"name,red,green,blue\n{rows}\n")
    coloured = read_pairs(shapes)
    for split, labels in plain.items():
        for row, expected in enumerate(labels):
            np.testing.assert_array_equal(coloured[split].labels(row), expected)


def test_an_unknown_colour_is_told_as_classes_have_it(shapes):
    rows = "a,0,0,0\nb,255,0,0\nc,0,0,255"
    (shapes / "classes.csv").write_text(f"name,red,green,blue\n{rows}\n")
    for path in (shapes / "masks").iterdir():
        values = np.zeros((*np.asarray(Image.open(path)).shape, 3), np.uint8)
        values[0, 0] = (25, 77, 200)
        io.write_png(path, values)
    with pytest.raises(SightkitError, match=r"has \(25, 77, 200\)"):
        read_pairs(shapes)


def test_palettes_are_read_as_places(shapes):
    path = read_pairs(shapes)["train"].masks[0]
    image = Image.fromarray(np.asarray(Image.open(path)), "P")
    image.putpalette([9, 9, 9, 255, 0, 0, 0, 0, 255])
    image.save(path)
    np.testing.assert_array_equal(read_mask_values(path), np.asarray(image))


def test_masks_without_a_list_name_classes_by_value(shapes):
    (shapes / "classes.csv").unlink()
    assert read_pairs(shapes)["val"].classes.names == ("0", "1", "2")


def test_all_faults_are_one_message(shapes):
    masks, images = shapes / "masks", shapes / "images"
    (masks / "0.png").unlink()
    (images / "1.png").unlink()
    io.write_png(masks / "2.png", np.zeros((5, 6, 1), np.uint8))
    (masks / "3.png").write_bytes((masks / "3.png").read_bytes()[:60])
    with pytest.raises(SightkitError) as caught:
        read_pairs(shapes)
    for part in ("0.png has no mask", "1.png has no picture", "2.png is 6x5", "3.png", "faults=4"):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda masks: io.write_png(masks / "4.png", np.full((24, 24, 1), 7, np.uint8)), "has 7"),
        (lambda masks: [path.unlink() for path in masks.glob("[0-4].png")], "has no mask"),
        (lambda masks: Image.fromarray(np.zeros((24, 24), np.int32)).save(masks / "5.tif"),
         "several files named 5"),
    ],
)  # fmt: skip
def test_values_and_files_are_checked(change, told, shapes):
    change(shapes / "masks")
    with pytest.raises(SightkitError, match=told):
        read_pairs(shapes)


def test_too_few_pairs_and_other_layouts_are_refused(tmp_path):
    with pytest.raises(SightkitError, match="images and masks"):
        read_pairs(tmp_path)
    with pytest.raises(SightkitError, match="at least 5"):
        read_pairs(write_masked_shapes(tmp_path / "few", 4, 24))


@pytest.mark.parametrize(
    "text",
    [
        "colour\nred\n",
        "name,id\na,0\nb,x\n",
        "name,id\na,0\nb,256\n",
        "name,id\na,0\nb,0\n",
        "name,red,green,blue\na,0,0,0\nb,0,0,-1\n",
        "name\nalone\n",
        "name\na\na\n",
        "name\na\n\n,\n",
    ],
)
def test_read_mask_classes_refuses(text, tmp_path):
    path = tmp_path / "classes.csv"
    path.write_text(text)
    with pytest.raises(SightkitError):
        read_mask_classes(path)


def test_mask_classes_need_two():
    with pytest.raises(SightkitError, match="two classes"):
        MaskClasses(("a",), (0,))
