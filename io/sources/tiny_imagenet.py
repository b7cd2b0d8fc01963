"""The layout of Tiny ImageNet: train/CLASS/images, val/images and three tables."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path

from sightkit._errors import SightkitError
from sightkit._regular_file import read_regular_file
from sightkit.io.sources.class_names import titled
from sightkit.io.sources.folder_scan import NOT_AN_IMAGE, Scan, descend
from sightkit.io.sources.labelled import Labelled, LayoutError, Place, label_images

MOST_BYTES = 2**30
ANNOTATIONS, WORDS, CLASS_IDS = "val/val_annotations.txt", "words.txt", "wnids.txt"


def tiny_imagenet(scan: Scan) -> Labelled:
    """``train/CLASS/images``, ``val/images`` with a list of their classes, and names in words.txt.

    The images of ``test`` were published without labels; those of ``val``, on which results are
    reported, are this data set's test split.
    """
    scan = descend(scan)
    classes = [name.split("/")[1] for name in scan.folders if re.fullmatch("train/[^/]+", name)]
    if (scan.root / CLASS_IDS).is_file():
        classes = sorted(line[0] for line in _table(scan.root, CLASS_IDS, 1))
    annotated = {name: wnid for name, wnid, *_ in _table(scan.root, ANNOTATIONS, 2)}
    there = {name for name, _ in scan.images}
    missing = [name for name in annotated if f"val/images/{name}" not in there]

    def place_of(name: str) -> Place:
        parts = name.split("/")
        if len(parts) == 4 and parts[0] == "train" and parts[2] == "images":
            label, split = parts[1], "train"
        elif len(parts) == 3 and parts[:2] == ["val", "images"]:
            label, split = annotated.get(parts[2], ""), "test"
            if not label:
                return Place(reason=f"not named in {ANNOTATIONS}")
        elif parts[0] == "test":
            return Place(reason="test images were published without labels", expected=True)
        else:
            return Place(reason="not where the layout has images")
        if label not in classes:
            return Place(reason=f"its class {label} is not among those of train")
        return Place(label, split)

    labelled = label_images(
        dataclasses.replace(
            scan, left_out=tuple(item for item in scan.left_out if not _belongs(*item))
        ),
        place_of,
        classes=classes,
        splits=("train", "test"),
        missing=tuple((f"val/images/{n}", f"named in {ANNOTATIONS}, not there") for n in missing),
    )
    return dataclasses.replace(labelled, titles=_titles(scan.root, labelled.classes))


def _belongs(name: str, reason: str) -> bool:
    """Return True if a file that is no image is one of the layout's own tables."""
    own = (CLASS_IDS, WORDS, ANNOTATIONS)
    return reason == NOT_AN_IMAGE and (name.endswith(own) or name.endswith("_boxes.txt"))


def _titles(root: Path, classes: Sequence[str]) -> tuple[str, ...]:
    """The first word that words.txt has for a class; with the class where two share a word."""
    if not (root / WORDS).is_file():
        return ()
    words = {wnid: text.split(",")[0].strip() for wnid, text, *_ in _table(root, WORDS, 2)}
    return titled([words.get(name, "") or name for name in classes], classes)


def _table(root: Path, name: str, columns: int) -> list[list[str]]:
    """Lines of a text file, cut at tabs; each must have that many columns at least."""
    try:
        lines = read_regular_file(root / name, MOST_BYTES).decode("utf-8").splitlines()
        table = [line.split("\t") for line in lines if line.strip()]
        if short := [number for number, cells in enumerate(table, 1) if len(cells) < columns]:
            raise ValueError(f"line {short[0]} has no {columns} columns with tabs between them")
    except (OSError, ValueError) as error:
        fault = LayoutError if isinstance(error, OSError) else SightkitError
        raise fault(
            f"The layout of Tiny ImageNet has a text file {name} ({error}).",
            "Give the folder that holds train and val, fetch the file again, or choose another "
            "layout.",
            folder=str(root),
        ) from error
    return table
