"""Annotations as of PASCAL VOC: one XML file a picture.

``Annotations/NAME.xml``, ``JPEGImages/`` and lists of names in ``ImageSets/Main/SPLIT.txt``.
Corners are pixels counted from 1, both inside the box (VOC2012's development kit): xmin = 1 and
xmax = 10 of a file are x0 = 0 and x1 = 10 here.
"""

from __future__ import annotations

import filecmp
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree
from xml.parsers import expat

from sightkit import _files
from sightkit._errors import SightkitError, few
from sightkit._regular_file import read_regular_file
from sightkit.apps.detection.annotation_faults import Faults, RawAnnotation, annotated
from sightkit.apps.detection.annotations import AnnotatedPictures, Annotation

ANNOTATIONS, IMAGES, LISTS = "Annotations", "JPEGImages", "ImageSets/Main"
MOST_BYTES = 2**24
"""Of an XML file, or a list."""
UNFIT = re.compile(r"[\x00-\x1f\ud800-\udfff\ufffe\uffff]|^\s|\s$|^$")
"""What is in a name that XML cannot hold, or that is read without its spaces."""


def read_voc(
    folder: str | os.PathLike[str],
    split: str | None = None,
    class_names: Sequence[str] | None = None,
) -> AnnotatedPictures:
    """Read a folder in VOC's layout.

    Args:
        folder: it holds ``Annotations`` and ``JPEGImages``.
        split: name of a list in ``ImageSets/Main``; None takes all of ``Annotations``.
        class_names: those that there may be; by default all that occur, sorted.

    Raises:
        SightkitError: no such layout, or faults: all of them in one error.
    """
    folder = Path(folder)
    names, faults, raw = _names(folder, split), Faults(), []
    for name in names:
        path = folder / ANNOTATIONS / f"{name}.xml"
        try:
            raw.append(_raw(path, folder / IMAGES))
        except (
            OSError,
            ValueError,
            LookupError,
            ElementTree.ParseError,
            expat.ExpatError,
        ) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            faults.add("file that cannot be read", f"{path.name} ({reason})")
    return annotated(folder, raw, class_names, faults)


def _names(folder: Path, split: str | None) -> list[str]:
    """Return the names of the pictures, without endings."""
    if not (folder / ANNOTATIONS).is_dir():
        raise SightkitError(
            f"A folder in the layout of VOC must have {ANNOTATIONS} and {IMAGES}.",
            "Give the folder that holds them.", folder=str(folder),
        )  # fmt: skip
    if split is None:
        return sorted(path.stem for path in (folder / ANNOTATIONS).glob("*.xml"))
    path = folder / LISTS / f"{split}.txt"
    try:
        text = read_regular_file(path, MOST_BYTES).decode()
    except (OSError, ValueError) as error:
        splits = sorted(path.stem for path in (folder / LISTS).glob("*.txt"))
        raise SightkitError(
            f"A split must be a list of names in {LISTS}.",
            "Choose one of these." if splits else "Read all pictures, without a split.",
            split=split, splits=splits,
        ) from error  # fmt: skip
    return [line.strip() for line in text.splitlines() if line.strip()]


def _raw(path: Path, images: Path) -> RawAnnotation:
    root = parse_xml(read_regular_file(path, MOST_BYTES))
    raw = RawAnnotation(path.name, images / Path(_text(root, "filename")).name)
    if root.find("size") is not None:
        raw.size = int(_text(root, "size/height")), int(_text(root, "size/width"))
    for item in root.iter("object"):
        xmin, ymin, xmax, ymax = (
            float(_text(item, f"bndbox/{edge}")) for edge in ("xmin", "ymin", "xmax", "ymax")
        )
        raw.boxes.append([xmin - 1, ymin - 1, xmax, ymax])
        raw.names.append(_text(item, "name"))
        raw.difficult.append((item.findtext("difficult") or "0").strip() == "1")
    return raw


def write_voc(
    pictures: AnnotatedPictures, folder: str | os.PathLike[str], split: str = "all"
) -> None:
    """Write annotations in VOC's layout, with copies of the pictures.

    Corners that are no whole pixels are written as they are: ``read_voc`` reads the same boxes, bit
    for bit. What VOC has besides (pose, truncated, parts) is not written.

    Args:
        pictures: of files whose names differ by more than their endings.
        folder: made where it is missing; may hold other splits.
        split: name of the list in ``ImageSets/Main``.

    Raises:
        SightkitError: two pictures of one name, or a name that would not be read back.
    """
    folder = Path(folder)
    require_list_name(split)
    names = [*pictures.class_names, *(each.image.name for each in pictures.annotations)]
    if unfit := [name for name in names if UNFIT.search(name)]:
        raise SightkitError(
            "VOC's XML holds names without control characters, and without spaces at their ends.",
            "Rename these, or write .json or .csv.", names=few(unfit),
        )  # fmt: skip
    stems = [each.image.stem for each in pictures.annotations]
    require_different(stems, "VOC's layout has one file a name: names of pictures must differ.")
    for name in (ANNOTATIONS, IMAGES, LISTS):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for each in pictures.annotations:
        target = folder / IMAGES / each.image.name
        if not target.exists():
            with _files.replacing(target) as temporary:
                shutil.copyfile(each.image, temporary)
        elif not filecmp.cmp(target, each.image, shallow=False):
            raise SightkitError(
                "A picture of that name, another one, is in the folder already.",
                "Choose another folder, or rename the picture.", path=str(target),
            )  # fmt: skip
        xml = ElementTree.tostring(_element(each, pictures.class_names), encoding="unicode")
        _files.write_text(folder / ANNOTATIONS / f"{each.image.stem}.xml", xml + "\n")
    _files.write_text(folder / LISTS / f"{split}.txt", "".join(f"{stem}\n" for stem in stems))


def require_list_name(split: str) -> None:
    """Raise unless a list in VOC's layout can have a name."""
    if UNFIT.search(split) or Path(split).name != split:
        raise SightkitError(
            "A list in VOC's layout must have a name, which is no path.", "Give train.", split=split
        )


def require_different(names: Sequence[str], rule: str) -> None:
    """Raise where a name of a picture occurs twice."""
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise SightkitError(rule, "Rename these.", names=few(twice))


def _element(annotation: Annotation, class_names: Sequence[str]) -> ElementTree.Element:
    height, width = annotation.size
    root = ElementTree.Element("annotation")
    _add(root, "filename", annotation.image.name)
    size = ElementTree.SubElement(root, "size")
    for name, value in (("width", width), ("height", height), ("depth", 3)):
        _add(size, name, value)
    rows = zip(annotation.boxes, annotation.labels, annotation.difficult, strict=True)
    for box, label, difficult in rows:
        item = ElementTree.SubElement(root, "object")
        _add(item, "name", class_names[label])
        _add(item, "difficult", int(difficult))
        bndbox = ElementTree.SubElement(item, "bndbox")
        x0, y0, x1, y1 = map(float, box)
        for name, value in (("xmin", x0 + 1), ("ymin", y0 + 1), ("xmax", x1), ("ymax", y1)):
            _add(bndbox, name, number(value))
    ElementTree.indent(root, "\t")
    return root


def _add(parent: ElementTree.Element, name: str, value: object) -> None:
    ElementTree.SubElement(parent, name).text = str(value)


def number(value: float) -> float | int:
    """Return a whole number as an int, which is written without a point."""
    return int(value) if value == int(value) else value


def _text(element: ElementTree.Element, path: str) -> str:
    text = (element.findtext(path) or "").strip()
    if not text:
        raise ValueError(f"it has no {path}")
    return text


def parse_xml(data: bytes) -> ElementTree.Element:
    """Parse XML without a document type: entities, which can grow without limit, need one.

    Raises:
        ValueError: it has one.
        xml.etree.ElementTree.ParseError: it is no XML.
    """

    def refuse(*_: object) -> None:
        raise ValueError("a document type (DTD), which may hold entities")

    checker = expat.ParserCreate()
    checker.StartDoctypeDeclHandler = refuse
    checker.Parse(data, True)
    return ElementTree.fromstring(data)
