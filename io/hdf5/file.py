"""The dataset file: its layout, and a reader that trusts nothing in it.

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

import contextlib
import functools
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NotRequired

import h5py
import numpy as np
from typing_extensions import TypedDict

from sightkit import _schema
from sightkit._errors import SightkitError, few
from sightkit._hdf5 import Objects, attribute, is_text, open_hdf5, texts
from sightkit._schema import Name, Names, Sha256, Whole
from sightkit.io.hdf5.checked_rows import CheckedRows
from sightkit.io.hdf5.opening import check_kind
from sightkit.io.hdf5.values import attributes_sha256, identity, origins_sha256

FORMAT = "sightkit-dataset"
SCHEMA = 4
IN_JSON = ("splits", "preprocessing", "recipe")
"""Attributes that are JSON in the file."""
STRINGS = h5py.string_dtype("utf-8")


@dataclass(frozen=True)
class DatasetFile:
    """The description of a complete and consistent dataset file; see ``DatasetFile.open``.

    Attributes:
        path: the file.
        data_key: name of the dataset that holds the rows.
        shape: (N, H, W, C).
        dtype: of the rows.
        offset: byte where the rows begin in the file.
        class_names: in label order.
        labels: int64 (N,).
        groups: int64 (N,), equal for rows that belong together; None where it is not known.
        splits: name to (first row, row after the last).
        colour: ``"RGB"`` or ``"gray"``.
        preprocessing: config of the chain that the rows have been through.
        recipe: what the file was built from, and how.
        mean: float64 (C,), per channel over the training split, in the dtype's own range.
        sha256: of labels, row hashes, class names, splits, groups: the identity of the data.
        origins_sha256: of sources and originals.
        stamp: device, inode, size and time of change of the file that was read.
        group: path of the group that holds all of it; empty where the file itself does.
    """

    path: Path
    data_key: str
    shape: tuple[int, ...]
    dtype: np.dtype
    offset: int
    class_names: tuple[str, ...]
    labels: np.ndarray
    groups: np.ndarray | None
    splits: dict[str, tuple[int, int]]
    colour: str
    preprocessing: dict[str, Any]
    recipe: dict[str, Any]
    mean: np.ndarray
    sha256: str
    origins_sha256: str
    stamp: tuple[int, int, int, int]
    group: str = ""

    def __repr__(self) -> str:
        rows = "x".join(map(str, self.shape[1:]))
        counts = (f"{name} {last - first:,}" for name, (first, last) in self.splits.items())
        classes = f"{len(self.class_names)} classes: {few(self.class_names)}"
        return f"<DatasetFile {self.path}: {rows} {self.dtype}, {', '.join(counts)}, {classes}>"

    @classmethod
    def open(cls, path: str | os.PathLike[str], key: str = "") -> DatasetFile:
        """Read the header and the labels, and check that the file is complete.

        Args:
            path: the file.
            key: path of the rows in it, ``vgg16/features`` where they are in a group; by default
                those of the file itself.

        Raises:
            SightkitError: no such file, not a dataset file, never completed, damaged, one that
                points out of itself, or without such rows.
        """
        path = Path(path)
        check_kind(path)
        before = _stamp(os.stat(path))
        try:
            with open_hdf5(path) as objects:
                group = _group_of(path, objects, key.strip("/"))
                found = _describe(path, objects, before, group)
        except ValueError as error:
            # It may be anybody's HDF5: deleting it is not advised.
            raise SightkitError(
                f"The file is damaged: {error}.",
                "Check the path; if it is a dataset that one of the scripts wrote, build it again.",
                path=str(path),
            ) from error
        if _stamp(os.stat(path)) != before:
            raise found._replaced()
        return found

    def rows(self, split: str) -> tuple[int, int]:
        """First row and row after the last of a split."""
        if split not in self.splits:
            raise SightkitError(
                f"The file has the splits {list(self.splits)}.",
                (
                    "choose one of them by --split",
                    *(() if split == "test" else ("choose one of them by --validation-split",)),
                    "build it with all by scripts/build_folder.py --fractions 0.7 0.15 0.15 "
                    "(three images of each class at least; build_folder.py --exclude NAME leaves "
                    "a smaller class out)",
                ),
                split=split,
                path=str(self.path),
            )
        return self.splits[split]

    @property
    def left_out(self) -> dict[str, int]:
        """Reason to number of images of the source that are not in the file."""
        return dict(self.recipe.get("left_out", {}))

    def hashes(self) -> np.ndarray:
        """SHA-256 of the bytes of each row as it was written: uint8 (N, 32)."""
        with self._columns() as objects:
            return _column(objects, "hashes", len(self.labels))[...]

    def sources(self) -> tuple[str, ...]:
        """The origin of each row."""
        return self._origins()[0]

    def originals(self) -> np.ndarray | None:
        """First bytes of the SHA-256 of the images that rows were made of, uint8 (N, 8)."""
        return self._origins()[1]

    def _origins(self) -> tuple[tuple[str, ...], np.ndarray | None]:
        with self._columns() as objects:
            count = len(self.labels)
            sources = texts(_column(objects, "sources", count))
            known = "originals" in objects
            originals = _column(objects, "originals", count)[...] if known else None
            if origins_sha256(sources, originals) != self.origins_sha256:
                raise ValueError("sources or originals differ from what was written")
            return tuple(sources), originals

    def read(self, rows: np.ndarray | slice | int) -> np.ndarray:
        """Read rows by position, (n, H, W, C) or (H, W, C); each is compared with its hash once.

        Raises:
            SightkitError: a row is not what was written, or the file no longer what was opened.
        """
        return self._checked_rows[rows]

    @functools.cached_property
    def _checked_rows(self) -> CheckedRows:
        return CheckedRows(self.memmap(), self.hashes(), self._changed)

    def _changed(self, rows: np.ndarray) -> SightkitError:
        return SightkitError(
            f"The dataset file is damaged: {len(rows)} of the rows just read are not what was "
            "written.",
            "scripts/verify_dataset.py lists all such rows; build the file again.",
            first=self.sources()[rows[0]],
            path=str(self.path),
        )

    def __getstate__(self) -> dict[str, Any]:
        """Each process maps the file itself."""
        return {name: value for name, value in vars(self).items() if name != "_checked_rows"}

    def memmap(self) -> np.ndarray:
        """Map the rows of the file, read-only, (N, H, W, C); nothing is copied.

        Raises:
            SightkitError: the file is gone, or is no longer the one whose header was read.
        """
        try:
            with open(self.path, "rb") as file:
                if _stamp(os.fstat(file.fileno())) != self.stamp:
                    raise self._replaced()
                return np.memmap(file, self.dtype, "r", self.offset, self.shape)
        except OSError as error:
            raise SightkitError(
                f"The dataset file can no longer be read ({error.strerror}).",
                "Build it again.",
                path=str(self.path),
            ) from error

    @contextlib.contextmanager
    def _columns(self) -> Iterator[Objects]:
        try:
            with open_hdf5(self.path) as objects:
                if _stamp(os.stat(self.path)) != self.stamp:
                    raise self._replaced()
                yield _inside(objects, self.group)
        except ValueError as error:
            raise _damaged(self.path, str(error)) from error

    def _replaced(self) -> SightkitError:
        return SightkitError(
            "The dataset file was replaced or changed since it was opened.",
            "Start again with the file as it is now.",
            path=str(self.path),
        )


def _stamp(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


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
    """What was said of them."""

    text: NotRequired[str]


class Recipe(TypedDict):
    """What is read again of a recipe, beside what it is compared with."""

    left_out: NotRequired[dict[str, Whole]]
    near_copies: NotRequired[NearCopies]
    place: NotRequired[str]


def _group_of(path: Path, objects: Objects, key: str) -> str:
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


def _inside(objects: Objects, group: str) -> Objects:
    """Return what is in a group, which is empty for the file itself, by its path in there."""
    if not group:
        return objects
    inside = {name.removeprefix(f"{group}/"): each for name, each in objects.items()}
    return {**inside, "": objects[group]}


def _describe(
    path: Path, objects: Objects, stamp: tuple[int, int, int, int], group: str
) -> DatasetFile:
    objects = _inside(objects, group)
    file = objects[""]
    if not attribute(file, "complete"):
        raise SightkitError(
            "The file was never completed: its writer was stopped.",
            "Delete it and build it again.",
            path=str(path),
        )
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
    data_key = about["data_key"]
    if data_key not in objects:
        raise ValueError(f"it has no {data_key}")
    rows, labels = objects[data_key], _column(objects, "labels")[...]
    class_names = tuple(texts(_column(objects, "class_names")))
    count = len(labels)
    hashes = _column(objects, "hashes", count)[...]
    groups = _column(objects, "groups", count)[...] if "groups" in objects else None
    sha256 = identity(labels, hashes, class_names, about["splits"], groups)
    if sha256 != about["labels_sha256"]:
        raise ValueError("labels, hashes or class names differ from what was written")
    # Rows are mapped: text and objects among them would be read as addresses.
    if not hasattr(rows, "dtype") or rows.dtype.kind not in "uif" or rows.shape[:1] != (count,):
        raise ValueError(f"{data_key} holds no rows for {count} labels")
    offset = rows.id.get_offset()
    if offset is None or offset + rows.nbytes > stamp[2]:
        raise ValueError(f"{data_key} is not in the {stamp[2]:,} bytes of the file")
    described = DatasetFile(
        path=path,
        data_key=data_key,
        shape=tuple(rows.shape),
        dtype=rows.dtype,
        offset=offset,
        class_names=class_names,
        labels=labels,
        groups=groups,
        splits=about["splits"],
        colour=about["colour"],
        preprocessing=about["preprocessing"],
        recipe=about["recipe"],
        mean=np.asarray(about["mean"], np.float64),
        sha256=sha256,
        origins_sha256=about["origins_sha256"],
        stamp=stamp,
        group=group,
    )
    _check_values(described)
    return described


def _check_values(file: DatasetFile) -> None:
    """Raise on values that no writer of ours would have written."""
    labels, classes = file.labels, file.class_names
    _schema.checked(list(classes), Names)
    if len(set(classes)) != len(classes):
        raise ValueError("a class has a name of its own")
    if not len(labels) or labels.min() < 0 or labels.max() >= len(classes):
        raise ValueError(f"labels that are none of the {len(classes)} classes")
    if len(file.mean) not in (0, file.shape[-1]):
        raise ValueError(f"a mean of {len(file.mean)} channels")
    ends = [0, *(end for ends in file.splits.values() for end in ends), len(labels)]
    pairs = list(zip(ends[::2], ends[1::2], strict=True))
    inside = all(first < last for first, last in file.splits.values())
    if not inside or any(last != first for last, first in pairs):
        raise ValueError(f"splits {file.splits} do not divide {len(labels)} rows")


COLUMNS: Mapping[str, tuple[Any, tuple[int, ...]]] = {
    "labels": (np.int64, ()),
    "groups": (np.int64, ()),
    "hashes": (np.uint8, (32,)),
    "originals": (np.uint8, (8,)),
    "sources": (None, ()),
    "class_names": (None, ()),
}
"""Dtype (None: text) and shape of an entry."""


def _column(objects: Objects, name: str, count: int | None = None) -> h5py.Dataset:
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


def _damaged(path: Path, reason: str) -> SightkitError:
    return SightkitError(
        f"The dataset file is damaged: {reason}.",
        "Delete it and build it again.",
        path=str(path),
    )
