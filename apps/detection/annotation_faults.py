"""The faults of a data set's annotations: all of them are found before the first is reported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sightkit._errors import SightkitError, few
from sightkit._regular_file import read_regular_file
from sightkit.apps.detection.annotations import AnnotatedPictures, Annotation
from sightkit.apps.detection.boxes import as_boxes, box_faults
from sightkit.io.image_header import read_header
from sightkit.io.images import decode_image
from sightkit.io.threads import in_threads

SHOWN = 3
"""Places that are named of a kind of fault."""
LONGEST = 1_000
"""Characters of a class name: a bundle holds no longer ones."""
MOST_BYTES = 2**30
"""Of a picture, or of a file of annotations."""


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
    path: Path,
    raw: Sequence[RawAnnotation],
    class_names: Sequence[str] | None,
    faults: Faults | None = None,
) -> AnnotatedPictures:
    """Return checked annotations; each picture is decoded once, to find those that are truncated.

    Args:
        path: of the annotations, for messages.
        raw: what the files say.
        class_names: those that there may be; None takes all, sorted.
        faults: of reading, to be reported with those found here.

    Raises:
        SightkitError: there is no picture; or faults, all of them in one error.
    """
    faults = faults or Faults()
    if not raw:
        faults.require_none(path)
        raise SightkitError("There must be annotated pictures.", "Check the path.", path=str(path))
    names = tuple(class_names or sorted({name for each in raw for name in each.names}))
    known = {name: index for index, name in enumerate(names)}
    first: dict[Path, str] = {}
    annotations = []
    for each, size in zip(raw, in_threads(_size, raw), strict=True):
        if isinstance(size, tuple):
            if each.size not in (None, size):
                stated, real = (f"{wide}x{high}" for high, wide in (each.size or size, size))
                faults.add("size that differs", f"{each.where} {stated}, its picture {real}")
        else:
            faults.add(size, _of(each))
        other = first.setdefault(each.image, each.where)
        if other is not each.where:
            faults.add("picture annotated twice", f"{_of(each)} and {other}")
        for name in dict.fromkeys(each.names):
            if len(name) > LONGEST:
                faults.add(f"class name of over {LONGEST:,} characters", f"{each.where} {name[:9]}")
            elif name not in known:
                faults.add("unknown class", f"{name} ({each.where})")
        for (name, box), count in Counter(
            zip(each.names, map(tuple, each.boxes), strict=False)
        ).items():
            if count > 1:
                faults.add("box annotated twice", f"{each.where} {name[:30]} {list(box)}")
        boxes = as_boxes(each.boxes)
        size = size if isinstance(size, tuple) else None
        for kind, indices in box_faults(boxes, size).items():
            for index in indices:
                faults.add(kind, f"{each.where} box {index + 1} {boxes[index].tolist()}")
        if not faults.places and size is not None:
            labels = np.array([known[name] for name in each.names], np.int64)
            annotations.append(
                Annotation(each.image, size, boxes, labels, np.array(each.difficult, bool))
            )
    faults.require_none(path)
    return AnnotatedPictures(tuple(annotations), names)


def _of(each: RawAnnotation) -> str:
    name = each.image.name
    return name if each.where == name else f"{name} ({each.where})"


def _size(each: RawAnnotation) -> tuple[int, int] | str:
    """Return (height, width) of a picture, once turned, from its header; or its fault.

    It is decoded too, at an eighth of its size where that can be: only so a truncated one is found.
    """
    try:
        data = read_regular_file(each.image, MOST_BYTES)
        decode_image(data, at_least=(1, 1))
    except OSError:
        return "missing picture"
    except SightkitError:
        return "picture that cannot be read"
    header = read_header(data)
    if header is None:  # what is none was refused above
        return "picture that cannot be read"
    turned = header.orientation > 4
    return (header.width, header.height) if turned else (header.height, header.width)
