"""Annotations by their path: a folder is VOC's layout, .json is COCO's form, .csv a table."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from sightkit import _files
from sightkit._errors import SightkitError
from sightkit.apps.detection.annotations import AnnotatedPictures
from sightkit.apps.detection.box_table import read_box_table, write_box_table
from sightkit.apps.detection.coco import read_coco, write_coco
from sightkit.apps.detection.voc import read_voc, require_list_name, write_voc

FORMS = "a folder in VOC's layout, a .json of COCO's form, or a .csv"


def read_annotations(
    path: str | os.PathLike[str],
    split: str | None = None,
    images: str | os.PathLike[str] | None = None,
    class_names: Sequence[str] | None = None,
) -> AnnotatedPictures:
    """Read annotations of any of the three forms.

    Args:
        path: folder in VOC's layout, ``.json`` of COCO's form, or ``.csv``.
        split: of VOC's layout, see ``read_voc``.
        images: folder of the pictures, of the other two; that of the file by default.
        class_names: those that there may be.

    Raises:
        SightkitError: another path, or faults: all of them in one error.
    """
    path = Path(path)
    if path.is_dir() and images is None:
        return read_voc(path, split, class_names)
    readers = {".json": read_coco, ".csv": read_box_table}
    if path.is_dir() or path.suffix.lower() not in readers or not path.is_file():
        raise SightkitError(
            f"Annotations must be {FORMS}.",
            ["check the path", "leave out --images for a folder"],
            path=str(path),
        )
    if split is not None:
        raise SightkitError(
            "A file of annotations is one split.", ["give the file of that", "leave out --split"],
            path=str(path), split=split,
        )  # fmt: skip
    return readers[path.suffix.lower()](path, images, class_names)


def require_annotations_output(
    path: str | os.PathLike[str], split: str = "all", *, overwrite: bool = False
) -> None:
    """Check, before any work, that annotations can be written: to .json, .csv or a folder.

    Raises:
        SightkitError: it exists and is not to be replaced, or cannot be written to; a path as the
            name of a list.
    """
    path = Path(path)
    require_list_name(split)
    if path.suffix and path.suffix.lower() not in (".json", ".csv"):
        raise SightkitError(f"Annotations are written to {FORMS}.", output=str(path))
    _files.require_place(path)
    taken = any(path.iterdir()) if path.is_dir() else os.path.lexists(path)
    if path.is_dir() and path.suffix:
        raise SightkitError("--output must name a file.", "Choose another.", output=str(path))
    if taken and not overwrite:
        raise SightkitError(
            "There is something at --output already.",
            "Give --overwrite to replace it, or another name.", output=str(path),
        )  # fmt: skip


def write_annotations(
    pictures: AnnotatedPictures, path: str | os.PathLike[str], split: str = "all"
) -> None:
    """Write annotations in the form that the path names; ``split`` is the list of VOC's layout.

    ``.json`` and ``.csv`` name the pictures where they are, a folder in VOC's layout gets copies.
    """
    path = Path(path)
    if not path.suffix:
        write_voc(pictures, path, split)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    (write_coco if path.suffix.lower() == ".json" else write_box_table)(pictures, path)
