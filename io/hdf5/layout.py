"""The layout of a dataset file, compared with what is in one.

=============== ======================================================================
images          (N, H, W, C) uint8, contiguous; or another ``data_key`` and dtype
labels          (N,) int64, indices into class_names
class_names     (classes,) UTF-8
sources         (N,) UTF-8, where each row comes from
hashes          (N, 32) uint8, SHA-256 of each row's bytes
originals       (N, 8) uint8, begin of the SHA-256 of the image that a row was made of; of features
groups          (N,) int64, equal for rows that stay in one split; where there are groups
attributes      format, schema, colour, splits, preprocessing, recipe, mean (JSON or
                numbers), labels_sha256, origins_sha256, attributes_sha256, and
                ``complete``, written last
=============== ======================================================================

Rows of one split are together, in the order of ``splits``. All of it may be in a group of a file
(``h5py.File.copy`` puts it there): ``DatasetFile.open`` takes the path.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NotRequired

import h5py
import numpy as np
from typing_extensions import TypedDict

from sightkit import _schema
from sightkit._errors import SightkitError, few
from sightkit._hdf5 import Objects, attribute, is_text
from sightkit._schema import Name, Sha256, Whole
from sightkit.io.hdf5.values import attributes_sha256

FORMAT = "sightkit-dataset"
SCHEMA = 4
IN_JSON = ("splits", "preprocessing", "recipe")
"""Attributes that are JSON in the file."""
STRINGS = h5py.string_dtype("utf-8")
COLUMNS: Mapping[str, tuple[Any, tuple[int, ...]]] = {
    "labels": (np.int64, ()),
    "groups": (np.int64, ()),
    "hashes": (np.uint8, (32,)),
    "originals": (np.uint8, (8,)),
    "sources": (None, ()),
    "class_names": (None, ()),
}
"""Dtype (None: text) and shape of an entry."""


class Attributes(TypedDict):
    """The attributes of a dataset file."""

    format: Literal["sightkit-dataset"]
    schema: Literal[4]
    complete: Literal[1]
    data_key: Name
    colour: Literal["RGB", "gray", "none"]
    splits: dict[Name, tuple[Whole, Whole]]
    preprocessing: dict[str, Any]
    recipe: dict[str, Any]
    mean: list[float]
    labels_sha256: Sha256
    origins_sha256: Sha256


class NearCopies(TypedDict):
    """The report on them."""

    text: NotRequired[str]


class Recipe(TypedDict):
    """What is read again of a recipe, beside what it is compared with."""

    left_out: NotRequired[dict[str, Whole]]
    near_copies: NotRequired[NearCopies]
    place: NotRequired[str]


def group_of(path: Path, objects: Objects, key: str) -> str:
    """Return the group that holds the rows of a key; empty for those of the file itself."""
    if not key and attribute(objects[""], "format") == FORMAT:
        return ""
    groups = {
        "/".join(filter(None, (group, str(attribute(each, "data_key"))))): group
        for group, each in sorted(objects.items())
        if attribute(each, "format") == FORMAT
    }
    if key not in groups:
        raise SightkitError(
            "The file must be a dataset that HDF5DatasetWriter wrote"
            + (f"; it holds {few(list(groups))}." if groups else "."),
            (
                *(f'give --key="{each}"' for each in list(groups)[:1]),
                "build it with one of scripts/build_*.py or train_*.py",
            ),
            path=str(path),
            **({"key": key} if key else {}),
        )
    return groups[key]


def inside(objects: Objects, group: str) -> Objects:
    """Return what is in a group, which is empty for the file itself, by its path in there."""
    if not group:
        return objects
    found = {name.removeprefix(f"{group}/"): each for name, each in objects.items()}
    return {**found, "": objects[group]}


def read_attributes(path: Path, file: h5py.Group) -> Attributes:
    """Return the attributes of a group that is a dataset file's.

    Raises:
        SightkitError: a newer version's.
        ValueError: others than were written.
    """
    found = {name: attribute(file, name) for name in file.attrs}
    written = found.pop("attributes_sha256", None)
    try:
        about = _schema.checked(
            {**found, **{name: _schema.parse(str(found.get(name)), dict) for name in IN_JSON}},
            Attributes,
        )
    except _schema.NewerVersion as error:
        raise SightkitError(str(error), "Update sightkit.", path=str(path)) from error
    _schema.checked(about["recipe"], Recipe, more=True)
    if written != attributes_sha256(found):
        raise ValueError("its attributes differ from what was written")
    return about


def column(objects: Objects, name: str, count: int | None = None) -> h5py.Dataset:
    """Return a dataset beside the rows, with ``count`` entries where that is known."""
    dtype, shape = COLUMNS[name]
    found = objects.get(name)
    if found is None or not hasattr(found, "dtype"):
        raise ValueError(f"it has no {name}")
    kind = is_text(found) if dtype is None else found.dtype == dtype
    if not kind or found.shape[1:] != shape or not found.shape:
        raise ValueError(f"{name} holds {found.dtype} of shape {found.shape}")
    if count not in (None, len(found)):
        raise ValueError(f"{len(found)} {name} for {count} rows")
    return found
