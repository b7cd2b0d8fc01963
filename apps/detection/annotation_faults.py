"""The faults of a data set's annotations: all of them are found before the first is reported."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sightkit._errors import SightkitError, few, in_a_line
from sightkit.apps.detection.annotations import AnnotatedPictures, Annotation
from sightkit.apps.detection.boxes import as_boxes, box_faults
from sightkit.io.images import read_image

SHOWN = 3
"""Places named a fault."""


@dataclass
class RawAnnotation:
    """What a file says of a picture, unchecked.

    Attributes:
        where: what messages call it, ``"x.xml"`` for example.
        image: file of the picture.
        boxes: of numbers, ``[x0, y0, x1, y1]`` each.
        names: class of each box.
        difficult: of each box.
        size: (height, width) that the file says; None where it says nothing.
    """

    where: str
    image: Path
    boxes: list[list[float]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    difficult: list[bool] = field(default_factory=list)
    size: tuple[int, int] | None = None


class Faults:
    """What is wrong in a data set, by kind."""

    def __init__(self) -> None:
        self.places: dict[str, list[str]] = {}

    def add(self, kind: str, place: str) -> None:
        """Note a fault and where it is."""
        self.places.setdefault(kind, []).append(place)

    def require_none(self, path: Path) -> None:
        """Raise for all that were noted, each kind with its number and its first places."""
        if not self.places:
            return
        kinds = {
            kind.replace(" ", "_"): f"{len(places):,}: {few(places, SHOWN)}"
            for kind, places in self.places.items()
        }
        total = sum(map(len, self.places.values()))
        raise SightkitError(
            f"Annotations must agree with their pictures: {total:,} "
            f"{'fault was' if total == 1 else 'faults were'} found.",
            "Correct the annotations, or take these boxes and pictures out of them.",
            path=str(path), **kinds,
        )  # fmt: skip


def annotated(
    path: Path, raw: list[RawAnnotation], class_names: tuple[str, ...] | None, faults: Faults
) -> AnnotatedPictures:
    """Return checked annotations; every picture is decoded once.

    Args:
        path: of the annotations, for messages.
        raw: what the files say.
        class_names: those that there may be; None takes all, sorted.
        faults: of reading, to be reported with those found here.

    Raises:
        SightkitError: anything is wrong, see ``docs/detection.md``; all of it in one error.
    """
    if not raw and not faults.places:
        raise SightkitError(
            "There must be annotated pictures.", "Check the folder.", path=str(path)
        )
    names = class_names or tuple(sorted({name for each in raw for name in each.names}))
    known = {name: index for index, name in enumerate(names)}
    first: dict[Path, str] = {}
    annotations = []
    for each in raw:
        if other := first.get(each.image):
            faults.add("picture annotated twice", f"{each.image.name} ({other}, {each.where})")
        first[each.image] = each.where
        for name in dict.fromkeys(each.names):
            if name not in known:
                faults.add("unknown class", f"{name} ({each.where})")
        size = _size(each, faults)
        boxes = as_boxes(each.boxes)
        wrong = box_faults(boxes, size)
        for kind, indices in wrong.items():
            for index in indices:
                faults.add(kind, f"{each.where} box {index + 1} {boxes[index].tolist()}")
        if not faults.places and size is not None:
            labels = np.array([known[name] for name in each.names], np.int64)
            annotations.append(
                Annotation(each.image, size, boxes, labels, np.array(each.difficult, bool))
            )
    faults.require_none(path)
    return AnnotatedPictures(tuple(annotations), names)


def _size(each: RawAnnotation, faults: Faults) -> tuple[int, int] | None:
    """Return the size of a picture; what the file says must be the same."""
    if not each.image.is_file():
        faults.add("missing picture", f"{each.image.name} ({each.where})")
        return None
    try:
        height, width = read_image(each.image).shape[:2]
    except SightkitError as error:
        faults.add("picture that cannot be read", f"{each.image.name} ({in_a_line(error)[15:95]})")
        return None
    if each.size is not None and each.size != (height, width):
        faults.add(
            "size that differs",
            f"{each.where} has {each.size[1]}x{each.size[0]}, its picture {width}x{height}",
        )
        return None
    return height, width
