"""Annotations as of PASCAL VOC: one XML file a picture.

``Annotations/NAME.xml``, ``JPEGImages/`` and lists of names in ``ImageSets/Main/SPLIT.txt``.
Corners are pixels counted from 1, both inside the box (VOC2012's development kit): xmin = 1 and
xmax = 10 of a file are x0 = 0 and x1 = 10 here.
"""

from __future__ import annotations

import os
from pathlib import Path
from xml.etree import ElementTree
from xml.parsers import expat

from sightkit._errors import SightkitError
from sightkit._regular_file import read_regular_file
from sightkit.apps.detection.annotation_faults import Faults, RawAnnotation, annotated
from sightkit.apps.detection.annotations import AnnotatedPictures

ANNOTATIONS, IMAGES, LISTS = "Annotations", "JPEGImages", "ImageSets/Main"
MOST_BYTES = 2**24
"""Of a file of a picture, or a list."""


def read_voc(
    folder: str | os.PathLike[str],
    split: str | None = None,
    class_names: tuple[str, ...] | None = None,
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
    return [line.split()[0] for line in text.splitlines() if line.strip()]


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
