"""A reader of dataset files, whose form is in ``layout``, that trusts nothing in them."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from sightkit import _schema
from sightkit._errors import SightkitError, few
from sightkit._hdf5 import Objects, attribute, open_hdf5, texts
from sightkit._schema import Names
from sightkit.io.hdf5.checked_rows import CheckedRows
from sightkit.io.hdf5.layout import column, group_of, inside, read_attributes
from sightkit.io.hdf5.opening import check_kind
from sightkit.io.hdf5.values import identity, origins_sha256


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
            path: the file, or the list of the shards of one (``.shards``).
            key: path of the rows in it, ``vgg16/features`` where they are in a group; by default
                those of the file itself.

        Raises:
            SightkitError: no such file, not a dataset file, never completed, damaged, one that
                points out of itself, or without such rows; a shard that is missing.
        """
        path = Path(path)
        check_kind(path)
        if not h5py.is_hdf5(path):
            from sightkit.io.hdf5.shards import ShardedFile

            return ShardedFile.of(path, key)
        before = stamp_of(path)
        with _objects_of(path) as objects:
            group = group_of(path, objects, key.strip("/"))
            found = _describe(path, objects, before, group)
        if stamp_of(path) != before:
            raise found._replaced()
        return found

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that hold the rows."""
        return (self.path,)

    def places(self) -> np.ndarray:
        """Number of the file of ``files`` that holds each row: int (N,)."""
        return np.zeros(self.shape[0], int)

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
            return column(objects, "hashes", len(self.labels))[...]

    def sources(self) -> tuple[str, ...]:
        """The origin of each row."""
        return self._origins()[0]

    def originals(self) -> np.ndarray | None:
        """First bytes of the SHA-256 of the images that rows were made of, uint8 (N, 8)."""
        return self._origins()[1]

    def _origins(self) -> tuple[tuple[str, ...], np.ndarray | None]:
        with self._columns() as objects:
            count = len(self.labels)
            sources = texts(column(objects, "sources", count))
            known = "originals" in objects
            originals = column(objects, "originals", count)[...] if known else None
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
        with _objects_of(self.path) as objects:
            if stamp_of(self.path) != self.stamp:
                raise self._replaced()
            yield inside(objects, self.group)

    def _replaced(self) -> SightkitError:
        return SightkitError(
            "The dataset file was replaced or changed since it was opened.",
            "Start again with the file as it is now.",
            path=str(self.path),
        )


def stamp_of(path: Path) -> tuple[int, int, int, int]:
    """Device, inode, size and time of change of a file."""
    return _stamp(os.stat(path))


def _stamp(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


@contextlib.contextmanager
def _objects_of(path: Path) -> Iterator[Objects]:
    """Open a file that may be anybody's HDF5: deleting it is not advised."""
    try:
        with open_hdf5(path) as objects:
            yield objects
    except ValueError as error:
        raise SightkitError(
            f"The file is damaged: {error}.",
            "Check the path; if it is a dataset that one of the scripts wrote, build it again.",
            path=str(path),
        ) from error


def _describe(
    path: Path, objects: Objects, stamp: tuple[int, int, int, int], group: str
) -> DatasetFile:
    objects = inside(objects, group)
    file = objects[""]
    if not attribute(file, "complete"):
        raise SightkitError(
            "The file was never completed: its writer was stopped.",
            "Delete it and build it again.",
            path=str(path),
        )
    about = read_attributes(path, file)
    data_key = about["data_key"]
    if data_key not in objects:
        raise ValueError(f"it has no {data_key}")
    rows, labels = objects[data_key], column(objects, "labels")[...]
    class_names = tuple(texts(column(objects, "class_names")))
    count = len(labels)
    hashes = column(objects, "hashes", count)[...]
    groups = column(objects, "groups", count)[...] if "groups" in objects else None
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
    filled = all(first < last for first, last in file.splits.values())
    if not filled or any(last != first for last, first in pairs):
        raise ValueError(f"splits {file.splits} do not divide {len(labels)} rows")
