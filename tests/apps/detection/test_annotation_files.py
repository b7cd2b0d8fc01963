"""VOC, COCO and CSV hold the same boxes; what is wrong in a data set is reported at once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.apps.detection import (
    AnnotatedPictures,
    read_annotations,
    read_tiny_imagenet_boxes,
    read_voc,
    require_annotations_output,
    write_annotations,
)
from sightkit.io import write_png, write_sample_photos

FORMS = ("voc", "coco.json", "table.csv")
HEADER = "image,label,x0,y0,x1,y1\n"
DIRECT = '<!DOCTYPE a [<!ENTITY e "x">]>'


def require_equal(found: AnnotatedPictures, expected: AnnotatedPictures) -> None:
    """Bit for bit; the files of the pictures may be elsewhere."""
    assert found.class_names == expected.class_names
    assert len(found) == len(expected)
    for ours, theirs in zip(found.annotations, expected.annotations, strict=True):
        assert (ours.image.name, ours.size) == (theirs.image.name, theirs.size)
        assert ours.image.read_bytes() == theirs.image.read_bytes()
        assert ours.boxes.tobytes() == theirs.boxes.tobytes()
        assert ours.labels.tobytes() == theirs.labels.tobytes()
        assert ours.difficult.tobytes() == theirs.difficult.tobytes()


@pytest.mark.parametrize("second", FORMS)
@pytest.mark.parametrize("first", FORMS)
def test_forms_hold_the_same_boxes(
    pictures: AnnotatedPictures, tmp_path: Path, first: str, second: str
) -> None:
    write_annotations(pictures, tmp_path / "1" / first)
    again = read_annotations(tmp_path / "1" / first)
    require_equal(again, pictures)
    write_annotations(again, tmp_path / "2" / second)
    require_equal(read_annotations(tmp_path / "2" / second), pictures)


def test_voc_splits_and_one_based_corners(pictures: AnnotatedPictures, tmp_path: Path) -> None:
    write_annotations(pictures, tmp_path / "voc", "train")
    text = (tmp_path / "voc/Annotations/picture 0.xml").read_text()
    assert "<xmin>1</xmin>" in text
    assert "<xmax>60</xmax>" in text
    (tmp_path / "voc/ImageSets/Main/one.txt").write_text("picture 1\n\n")
    assert len(read_voc(tmp_path / "voc", "one")) == 1
    with pytest.raises(SightkitError, match=r"splits=\['one', 'train'\]"):
        read_voc(tmp_path / "voc", "test")


def test_pictures_of_one_name_do_not_fit_voc(pictures: AnnotatedPictures, tmp_path: Path) -> None:
    twice = AnnotatedPictures(pictures.annotations[:1] * 2, pictures.class_names)
    with pytest.raises(SightkitError, match=r"must differ.*picture 0"):
        write_annotations(twice, tmp_path / "voc")
    write_annotations(pictures, tmp_path / "voc")
    write_png(pictures.annotations[0].image, np.zeros((40, 60, 3), np.uint8))
    with pytest.raises(SightkitError, match="another one, is in the folder"):
        write_annotations(pictures, tmp_path / "voc")


def test_bccd_is_read_as_published(test_data: Path) -> None:
    found = {split: read_voc(test_data / "bccd", split) for split in ("train", "val", "test")}
    assert [len(each) for each in found.values()] == [50, 15, 15]
    every = read_voc(test_data / "bccd").boxes_by_class()
    assert every == {"Platelets": 104, "RBC": 1160, "WBC": 87}


def test_faults_of_a_data_set_are_reported_together(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", np.zeros((20, 30, 3), np.uint8))
    (tmp_path / "cut.png").write_bytes((tmp_path / "a.png").read_bytes()[:-20])
    rows = (
        "a.png,cat,0,0,30,20", "a.png,cat,5,5,5,9", "a.png,cat,9,5,5,9", "a.png,cat,-1,5,5,9",
        "a.png,cat,1,5,31,9", "a.png,cat,1,5,nan,9", "a.png,horse,1,5,3,9", "a.png,cat,1,5,x,9",
        "gone.png,cat,1,1,2,2", "cut.png,cat,1,1,2,2", "a.png,cat,6,6,6,6",
        "a.png,cat,0.0,0,30,20", f"a.png,{'c' * 1001},1,1,2,2",
    )  # fmt: skip
    path = tmp_path / "table.csv"
    path.write_text(HEADER + "\n".join(rows))
    with pytest.raises(SightkitError) as error:
        read_annotations(path, class_names=("cat",))
    text = str(error.value)
    assert "12 faults were found" in text
    for kind, count in {
        "zero_area": 2, "swapped_corners": 1, "negative": 1, "outside": 1, "not_finite": 1,
        "unknown_class": 1, "corner_that_is_no_number": 1, "missing_picture": 1,
        "picture_that_cannot_be_read": 1, "box_annotated_twice": 1,
        "class_name_of_over_1,000_characters": 1,
    }.items():  # fmt: skip
        assert re.search(f"{kind}=.{count}: ", text), text
    path.write_text(HEADER + f"{rows[0]}\na.png,dog,0,0,30,20\na.png,cat,0,0,30,19\n")
    with pytest.raises(SightkitError, match=r"unknown_class.*dog"):
        read_annotations(path, class_names=("cat",))
    assert len(read_annotations(path).annotations[0]) == 3
    path.write_text(HEADER + rows[0])
    assert len(read_annotations(path, class_names=("cat",))) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("<width>60<", "<width>61<"), "size_that_differs='1: .*61x40.*"),
        (lambda text: DIRECT + text, "document type"),
        (lambda text: text.replace("<xmin>1<", "<xmin><"), "no bndbox/xmin"),
        (lambda text: text.replace("<xmin>1<", "<xmin>one<"), "could not convert"),
        (lambda text: text[:-30], "file_that_cannot_be_read='1: picture 0.xml"),
        (lambda text: text.replace("picture 0.png", "picture 1.png"), "picture_annotated_twice"),
        (lambda text: text.replace("picture 0.png", "../photos/no.png"), "missing_picture.*no.png"),
        (lambda text: text.replace("<name>cat<", "<name><"), "no name"),
        (lambda text: text.replace("cat", "c" * 1001), "class_name_of_over_1,000"),
        (
            lambda text: re.sub("(<object>.*?</object>)", r"\1\1", text, count=1, flags=re.S),
            "box_annotated_twice='1: picture 0.xml cat ",
        ),
    ],
)
def test_voc_refuses(
    pictures: AnnotatedPictures, tmp_path: Path, change: Callable[[str], str], message: str
) -> None:
    write_annotations(pictures, tmp_path / "voc")
    file = tmp_path / "voc/Annotations/picture 0.xml"
    text = file.read_text()
    assert change(text) != text
    file.write_text(change(text))
    with pytest.raises(SightkitError, match=message):
        read_annotations(tmp_path / "voc")


def test_voc_of_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SightkitError, match="must have Annotations"):
        read_annotations(tmp_path)
    (tmp_path / "Annotations").mkdir()
    with pytest.raises(SightkitError, match="must be annotated pictures"):
        read_annotations(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda coco: coco["annotations"][0].update(category_id=9), "unknown_class.*category_id 9"),
        (lambda coco: coco["annotations"][0].update(image_id=9), "missing_picture.*image_id 9"),
        (lambda coco: coco["annotations"][0].update(bbox=[1, 2, -3, 4]), "swapped_corners"),
        (lambda coco: coco["annotations"][0].update(bbox=[1, 2, 0, 4]), "zero_area"),
        (lambda coco: coco["annotations"][0].update(bbox=[1, 2, 3]), "without_4_numbers"),
        (lambda coco: coco["images"][1].update(id=1), "image_id_twice"),
        (lambda coco: coco["images"][1].update(coco["images"][0], id=7), "annotated_twice"),
        (lambda coco: coco["images"][0].update(height=7), "size_that_differs"),
        (lambda coco: coco["categories"][0].update(name="dog"), "class_name_twice"),
        (lambda coco: coco["categories"][0].update(name="c" * 1001), "at most 1000 characters"),
        (lambda coco: coco["annotations"].append(coco["annotations"][0]), "box_annotated_twice"),
        (lambda coco: coco["categories"][0].update(id=2), "category_id_twice"),
        (lambda coco: coco["images"][0].update(file_name="a\0.png"), "missing_picture"),
        (lambda coco: coco["annotations"][0].update(bbox=[0, 0, 1e300, 4]), "not_finite"),
        (lambda coco: coco.pop("images"), "images, annotations and categories"),
        (lambda coco: coco.update(images=[], annotations=[]), "must be annotated pictures"),
    ],
)
def test_coco_refuses(
    pictures: AnnotatedPictures, tmp_path: Path, change: Callable[[dict], object], message: str
) -> None:
    path = tmp_path / "coco.json"
    write_annotations(pictures, path)
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    with pytest.raises(SightkitError, match=message):
        read_annotations(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a.png,1,2,3,4,cat\nb.png,1,2,3,4,5\n", "image,x0,y0,x1,y1,label"),
        ("cat,a.png,1,2,3,4\ncat,b.png,1,2,3,4\n", "label,image,x0,y0,x1,y1"),
        (
            "filename,class,xmin,ymin,xmax,ymax\na.png,cat,1,2,3,4\n",
            r"missing='image,label.*Rename",
        ),
        ("1,2,3,4\n5,6,7,8\n", "Rename the columns"),
    ],
)
def test_table_without_our_header_names_the_columns(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "table.csv"
    path.write_text(text)
    with pytest.raises(SightkitError, match=message):
        read_annotations(path)


def test_annotations_of_another_path_are_refused(tmp_path: Path) -> None:
    for path, options in (
        (tmp_path / "none.json", {}),
        (tmp_path, {"images": tmp_path}),
        (tmp_path / "a.txt", {}),
    ):
        with pytest.raises(SightkitError, match="Annotations must be"):
            read_annotations(path, **options)
    (tmp_path / "a.csv").write_text(HEADER)
    with pytest.raises(SightkitError, match="one split"):
        read_annotations(tmp_path / "a.csv", "train")
    with pytest.raises(SightkitError, match="already"):
        require_annotations_output(tmp_path / "a.csv")
    with pytest.raises(SightkitError, match="are written to"):
        require_annotations_output(tmp_path / "a.yaml")
    require_annotations_output(tmp_path / "a.csv", overwrite=True)
    for split in ("", "a/b", "../a", "a\n"):
        with pytest.raises(SightkitError, match="which is no path"):
            require_annotations_output(tmp_path / "voc", split)


@pytest.mark.parametrize("name", ["c\1at", " cat", "cat\n", "c\rat"])
def test_names_that_xml_would_change_are_not_written(
    pictures: AnnotatedPictures, tmp_path: Path, name: str
) -> None:
    strange = replace(pictures, class_names=(name, "<dog> & 'cat'", "größe\xa02"))
    with pytest.raises(SightkitError, match="control characters"):
        write_annotations(strange, tmp_path / "voc")
    assert not (tmp_path / "voc").exists()
    good = replace(pictures, class_names=("cat", *strange.class_names[1:]))
    write_annotations(good, tmp_path / "voc")
    found = read_annotations(tmp_path / "voc", class_names=good.class_names)
    require_equal(found, good)


def test_tiny_imagenet_boxes_include_their_last_pixel(tmp_path: Path) -> None:
    write_sample_photos(tmp_path, "tiny_imagenet")
    (tmp_path / "wnids.txt").write_text("flower\nchina\n")
    found = read_tiny_imagenet_boxes(tmp_path, "val")
    assert found.class_names == ("china", "flower")
    assert [each.boxes.tolist() for each in found.annotations] == [[[0, 0, 128, 128]]] * 8
    with pytest.raises(SightkitError, match=r"_boxes\.txt"):
        read_tiny_imagenet_boxes(tmp_path, "train")
    with pytest.raises(SightkitError, match="train and val"):
        read_tiny_imagenet_boxes(tmp_path, "test")
