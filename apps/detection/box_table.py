"""Annotations as a table: CSV with the columns image, label, x0, y0, x1, y1, a row a box."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sightkit._csv import write_csv
from sightkit._errors import SightkitError
from sightkit.apps.detection.annotation_faults import Faults, RawAnnotation, annotated
from sightkit.apps.detection.annotations import AnnotatedPictures
from sightkit.apps.detection.detections import shortest
from sightkit.apps.detection.voc import number
from sightkit.io.image_kinds import KIND_BY_ENDING, ending_of
from sightkit.io.sources.label_table import Table, read_table

COLUMNS = ("image", "label", "x0", "y0", "x1", "y1")
DIFFICULT = "difficult"
"""A seventh column, written where an object is."""


def read_box_table(
    path: str | os.PathLike[str],
    images: str | os.PathLike[str] | None = None,
    class_names: Sequence[str] | None = None,
) -> AnnotatedPictures:
    """Read a CSV with a header: columns in any order, others than ours are left out.

    A row whose label and corners are empty is a picture without boxes.

    Args:
        path: the file.
        images: folder that the column ``image`` starts from; that of the file by default.
        class_names: those that there may be; by default all that occur, sorted.

    Raises:
        SightkitError: another form, or faults: all of them in one error.
    """
    path = Path(path)
    table = read_table(path, "data")
    header, rows = table.header, table.body
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        raise _without_columns(table, header, missing)
    folder, faults = Path(images or path.parent), Faults()
    places = [header.index(name) for name in COLUMNS]
    difficult = header.index(DIFFICULT) if DIFFICULT in header else None
    found: dict[str, RawAnnotation] = {}
    for line, row in enumerate(rows, 2):
        image, label, *corners = (row[place] for place in places)
        raw = found.setdefault(image, RawAnnotation(image, folder / image))
        if not any((label, *corners)):
            continue
        try:
            raw.boxes.append([float(corner) for corner in corners])
        except ValueError:
            faults.add("corner that is no number", f"line {line} {corners}")
            continue
        raw.names.append(label)
        raw.difficult.append(difficult is not None and row[difficult] in ("1", "True", "true"))
        if not label:
            faults.add("box without a label", f"line {line}")
    return annotated(path, list(found.values()), class_names, faults)


def write_box_table(pictures: AnnotatedPictures, path: str | os.PathLike[str]) -> None:
    """Write annotations as CSV; files are named from the folder of ``path``."""
    path = Path(path)
    rows: list[dict[str, Any]] = []
    hard = any(each.difficult.any() for each in pictures.annotations)
    for each in pictures.annotations:
        image = os.path.relpath(each.image.absolute(), path.absolute().parent)
        for box, label, difficult in zip(each.boxes, each.labels, each.difficult, strict=True):
            corners = dict(zip(COLUMNS[2:], (number(shortest(edge)) for edge in box), strict=True))
            flag = {DIFFICULT: int(difficult)} if hard else {}
            rows.append({"image": image, "label": pictures.class_names[label], **corners, **flag})
        if not len(each):
            rows.append({"image": image})
    write_csv(path, rows, (*COLUMNS, DIFFICULT) if hard else COLUMNS)


def _without_columns(table: Table, header: Sequence[str], missing: Sequence[str]) -> SightkitError:
    """Return the error for a table without our header; its columns are named where they show."""
    rule = f"A CSV of boxes must have a first line with the columns {','.join(COLUMNS)}."
    columns = _columns_of(table.rows)
    if columns:
        step = f"The first line is a box. If these are its columns, put them above it: {columns}"
        return SightkitError(rule, f"{step}.", path=str(table.path), first_line=",".join(header))
    return SightkitError(
        rule, "Rename the columns; x1 and y1 are exclusive: add 1 to corners inside the box.",
        path=str(table.path), columns=",".join(header), missing=",".join(missing),
    )  # fmt: skip


def _columns_of(rows: Sequence[Sequence[str]]) -> str:
    """Return the columns that rows without a header seem to have; empty where it is not clear.

    One holds names of pictures, four in a row hold numbers, and one is left for the label.
    """
    columns = list(zip(*rows, strict=True))
    kinds = ["number" if all(map(_is_number, column)) else "text" for column in columns]
    images = [place for place, column in enumerate(columns) if all(map(_is_image, column))]
    numbers = [place for place, kind in enumerate(kinds) if kind == "number"]
    if len(columns) != len(COLUMNS) or len(images) != 1 or len(numbers) != 4:
        return ""
    names = dict(zip(numbers, COLUMNS[2:], strict=True)) | {images[0]: "image"}
    return ",".join(names.get(place, "label") for place in range(len(columns)))


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _is_image(cell: str) -> bool:
    return ending_of(cell) in KIND_BY_ENDING
