"""Annotations as of COCO: one JSON file, boxes as ``[x, y, width, height]``.

https://cocodataset.org/#format-data; masks and captions are left out.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NotRequired

from typing_extensions import TypedDict

from sightkit import _files, _schema
from sightkit._errors import SightkitError, of_the_system
from sightkit._regular_file import read_regular_file
from sightkit.apps.detection.annotation_faults import MOST_BYTES, Faults, RawAnnotation, annotated
from sightkit.apps.detection.annotations import AnnotatedPictures
from sightkit.apps.detection.voc import number


class _Picture(TypedDict):
    id: int | str
    file_name: _schema.Name
    height: _schema.Count
    width: _schema.Count


class _Box(TypedDict):
    image_id: int | str
    category_id: int
    bbox: list[float]
    iscrowd: NotRequired[int]


class _Category(TypedDict):
    id: int
    name: _schema.Name


class _Coco(TypedDict):
    images: list[_Picture]
    annotations: list[_Box]
    categories: list[_Category]


def read_coco(
    path: str | os.PathLike[str],
    images: str | os.PathLike[str] | None = None,
    class_names: Sequence[str] | None = None,
) -> AnnotatedPictures:
    """Read a JSON file of COCO's form.

    Args:
        path: the file.
        images: folder that ``file_name`` starts from; that of the file by default.
        class_names: those that there may be; by default the file's categories, in its order.

    Raises:
        SightkitError: another form, or faults: all of them in one error.
    """
    path = Path(path)
    content = _content(path)
    folder, faults = Path(images or path.parent), Faults()
    by_id: dict[int | str, RawAnnotation] = {}
    raw = []
    for each in content["images"]:
        entry = RawAnnotation(
            f"image {each['id']}", folder / each["file_name"], size=(each["height"], each["width"])
        )
        if each["id"] in by_id:
            faults.add("image id twice", str(each["id"]))
        by_id[each["id"]] = entry
        raw.append(entry)
    categories = {each["id"]: each["name"] for each in content["categories"]}
    names = [each["name"] for each in content["categories"]]
    if len(categories) < len(names):
        faults.add("category id twice", f"{len(names)} categories, {len(categories)} ids")
    for name in {name for name in names if names.count(name) > 1}:
        faults.add("class name twice", name)
    for index, each in enumerate(content["annotations"], 1):
        picture, category = by_id.get(each["image_id"]), categories.get(each["category_id"])
        if picture is None:
            faults.add("missing picture", f"image_id {each['image_id']} (annotation {index})")
        elif category is None:
            faults.add("unknown class", f"category_id {each['category_id']} (annotation {index})")
        elif len(each["bbox"]) != 4:
            faults.add("box without 4 numbers", f"annotation {index}")
        else:
            x, y, width, height = each["bbox"]
            picture.boxes.append([x, y, x + width, y + height])
            picture.names.append(category)
            picture.difficult.append(bool(each.get("iscrowd", 0)))
    return annotated(path, raw, class_names or names, faults)


def _content(path: Path) -> _Coco:
    try:
        return _schema.parse(read_regular_file(path, MOST_BYTES), _Coco, more=True)
    except OSError as error:
        raise of_the_system(error, path) or error from error
    except ValueError as error:
        raise SightkitError(
            "A JSON file of annotations must have COCO's lists images, annotations and categories: "
            f"{error}.",
            path=str(path),
        ) from error


def write_coco(pictures: AnnotatedPictures, path: str | os.PathLike[str]) -> None:
    """Write annotations as COCO's JSON; files are named from the folder of ``path``.

    Ids count from 1. ``read_coco`` reads the same boxes, bit for bit: sides are float64.
    """
    path = Path(path)
    boxes: list[_Box] = []
    images: list[_Picture] = []
    for image_id, each in enumerate(pictures.annotations, 1):
        height, width = each.size
        name = os.path.relpath(each.image.absolute(), path.absolute().parent)
        images.append({"id": image_id, "file_name": name, "height": height, "width": width})
        for box, label, difficult in zip(each.boxes, each.labels, each.difficult, strict=True):
            x0, y0, x1, y1 = map(float, box)
            bbox = [number(value) for value in (x0, y0, x1 - x0, y1 - y0)]
            boxes.append({
                "id": len(boxes) + 1, "image_id": image_id, "category_id": int(label) + 1,
                "bbox": bbox, "area": number(bbox[2] * bbox[3]), "iscrowd": int(difficult),
            })  # type: ignore[typeddict-item]  # fmt: skip
    categories = [{"id": index, "name": name} for index, name in enumerate(pictures.class_names, 1)]
    _files.write_json(path, {"images": images, "annotations": boxes, "categories": categories})
