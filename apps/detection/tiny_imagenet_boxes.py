"""The boxes of Tiny ImageNet: one a picture, of 64 by 64 pixels."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from sightkit._errors import SightkitError
from sightkit._regular_file import read_regular_file
from sightkit.apps.detection.annotation_faults import MOST_BYTES, Faults, RawAnnotation, annotated
from sightkit.apps.detection.annotations import AnnotatedPictures

CLASS_IDS, VALIDATION = "wnids.txt", "val/val_annotations.txt"


def read_tiny_imagenet_boxes(folder: str | os.PathLike[str], split: str) -> AnnotatedPictures:
    """Read the boxes of a split of Tiny ImageNet.

    Its corners are counted from 0 and both inside the box (0 to 63 is the whole width): x1 = 63 of
    a file is 64 here.

    Args:
        folder: it holds ``wnids.txt``, ``train`` and ``val``.
        split: ``"train"`` or ``"val"``; the test pictures were published without boxes.

    Returns:
        Pictures with one box each; class names are WordNet's ids, sorted.

    Raises:
        SightkitError: another layout, or faults: all of them in one error.
    """
    folder = Path(folder)
    if split not in ("train", "val"):
        raise SightkitError(
            "Tiny ImageNet has boxes of train and val.", "Choose one of these.", split=split
        )
    try:
        classes = sorted(line[0] for line in _lines(folder / CLASS_IDS))
        rows = [*(_validation(folder) if split == "val" else _training(folder, classes))]
    except (OSError, ValueError) as error:
        raise SightkitError(
            f"Tiny ImageNet has {CLASS_IDS}, {VALIDATION} and train/CLASS/CLASS_boxes.txt, a "
            f"name and a box a line ({error}).",
            "Give the folder that holds train and val, or fetch the file again.",
            folder=str(folder),
        ) from error
    return annotated(folder, rows, classes, Faults())


def _training(folder: Path, classes: list[str]) -> Iterator[RawAnnotation]:
    for name in classes:
        place = folder / "train" / name
        for image, *corners in _lines(place / f"{name}_boxes.txt"):
            yield _raw(place / "images" / image, name, corners)


def _validation(folder: Path) -> Iterator[RawAnnotation]:
    for image, name, *corners in _lines(folder / VALIDATION):
        yield _raw(folder / "val/images" / image, name, corners)


def _raw(image: Path, name: str, corners: list[str]) -> RawAnnotation:
    x0, y0, x1, y1 = map(int, corners)
    return RawAnnotation(image.name, image, [[x0, y0, x1 + 1, y1 + 1]], [name], [False])


def _lines(path: Path) -> list[list[str]]:
    text = read_regular_file(path, MOST_BYTES).decode()
    return [line.split() for line in text.splitlines() if line.strip()]
