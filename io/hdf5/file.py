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
                numbers), labels_sha256, and ``complete``, written last
=============== ======================================================================

Rows of one split are together, in the order of ``splits``. All of it may be in a group of a file
(``h5py.File.copy`` puts it there): ``DatasetFile.open`` takes the path.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from sightkit._errors import SightkitError, few
from sightkit.io.hdf5.opening import check_kind, group_of, open_to_read, own_dataset, within
from sightkit.io.hdf5.values import identity

FORMAT = "sightkit-dataset"
SCHEMA = 4
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
                those of the file itself. No link is followed.

        Raises:
            SightkitError: no such file, not a dataset file, never completed, damaged, one that
                points out of itself, or without such rows.
        """
        path = Path(path)
        check_kind(path)
        try:
            before = _stamp(os.stat(path))
            with open_to_read(path) as file:
                found = _describe(path, file, before, key.strip("/"))
            if _stamp(os.stat(path)) != before:
                raise found._replaced()
            return found
        except SightkitError:
            raise
        except (OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
            # It may be anybody's HDF5: deleting it is not advised.
            raise SightkitError(
                f"The file is damaged: {str(error).splitlines()[0]}.",
                "Check the path; if it is a dataset that one of the scripts wrote, build it again.",
                path=str(path),
            ) from error

    def rows(self, split: str) -> tuple[int, int]:
        """First row and row after the last of a split."""
        if split not in self.splits:
            raise SightkitError(
                f"The file has the splits {list(self.splits)}.",
                (
                    "choose one of them by --split",
                    "one of them by --validation-split",
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
        return self._column("hashes", "u")

    def originals(self) -> np.ndarray | None:
        """First bytes of the SHA-256 of the images that rows were made of, uint8 (N, 8)."""
        with open_to_read(self.path) as file:
            if "originals" not in file:
                return None
        return self._column("originals", "u")

    def sources(self) -> tuple[str, ...]:
        """The origin of each row."""
        return tuple(self._column("sources", "text"))

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

    def _column(self, name: str, kinds: str) -> np.ndarray:
        try:
            with open_to_read(self.path) as file:
                if _stamp(os.stat(self.path)) != self.stamp:
                    raise self._replaced()
                dataset = _dataset(self.path, file, within(self.group, name), kinds)
                values = (dataset.asstr() if kinds == "text" else dataset)[...]
        except (OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
            raise _damaged(self.path, f"{name}: {str(error).splitlines()[0]}") from error
        if len(values) != self.shape[0]:
            raise _damaged(self.path, f"{len(values)} {name} for {self.shape[0]} rows")
        return values

    def _replaced(self) -> SightkitError:
        return SightkitError(
            "The dataset file was replaced or changed since it was opened.",
            "Start again with the file as it is now.",
            path=str(self.path),
        )


def _stamp(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _describe(
    path: Path, file: h5py.File, stamp: tuple[int, int, int, int], key: str
) -> DatasetFile:
    group = group_of(path, file, FORMAT, key)
    attributes = file[group or "/"].attrs
    if int(attributes["schema"]) > SCHEMA:
        raise SightkitError(
            f"The file was written by a newer version (schema {attributes['schema']}).",
            "Update sightkit.",
            path=str(path),
        )
    if not attributes.get("complete", 0):
        raise SightkitError(
            "The file was never completed: its writer was stopped.",
            "Delete it and build it again.",
            path=str(path),
        )
    data_key = str(attributes["data_key"])

    def own(name: str, kinds: str) -> h5py.Dataset:
        return _dataset(path, file, within(group, name), kinds)

    rows = own(data_key, "uif")
    labels = own("labels", "iu")[...].astype(np.int64)
    hashes = own("hashes", "u")[...]
    class_names = tuple(own("class_names", "text").asstr()[...])
    splits = {name: tuple(ends) for name, ends in json.loads(attributes["splits"]).items()}
    groups = own("groups", "iu")[...] if within(group, "groups") in file else None
    sha256 = identity(labels, hashes, class_names, splits, groups)
    if sha256 != attributes["labels_sha256"]:
        raise _damaged(path, "labels, hashes or class names differ from what was written")
    offset = rows.id.get_offset()
    if rows.shape[:1] != labels.shape or offset is None:
        raise _damaged(path, f"{len(rows)} rows for {len(labels)} labels, or no rows at all")
    if groups is not None and groups.shape != labels.shape:
        raise _damaged(path, f"groups of shape {groups.shape} for {len(labels)} rows")
    if offset + rows.nbytes > stamp[2]:
        raise _damaged(path, f"rows end at byte {offset + rows.nbytes:,} of {stamp[2]:,}")
    found = DatasetFile(
        path=path,
        data_key=data_key,
        shape=tuple(rows.shape),
        dtype=rows.dtype,
        offset=offset,
        class_names=class_names,
        labels=labels,
        groups=groups,
        splits=splits,
        colour=str(attributes["colour"]),
        preprocessing=json.loads(attributes["preprocessing"]),
        recipe=json.loads(attributes["recipe"]),
        mean=np.asarray(attributes["mean"], np.float64),
        sha256=sha256,
        stamp=stamp,
        group=group,
    )
    _check_values(found, hashes)
    return found


def _check_values(file: DatasetFile, hashes: np.ndarray) -> None:
    """Raise on values that no writer of ours would have written."""
    path, labels, class_names, splits = file.path, file.labels, file.class_names, file.splits
    if hashes.shape != (len(labels), 32):
        raise _damaged(path, f"hashes of shape {hashes.shape} for {len(labels)} rows")
    if len(set(class_names)) != len(class_names):
        raise _damaged(path, "a class name occurs twice")
    if not len(labels) or labels.min() < 0 or labels.max() >= len(class_names):
        raise _damaged(path, f"labels that are none of the {len(class_names)} classes")
    ends = [0, *(end for ends in splits.values() for end in ends), len(labels)]
    pairs = list(zip(ends[::2], ends[1::2], strict=True))
    inside = all(first < last for first, last in splits.values())
    if not inside or any(last != first for last, first in pairs):
        raise _damaged(path, f"splits {splits} do not divide {len(labels)} rows")


def _dataset(path: Path, file: h5py.File, name: str, kinds: str) -> h5py.Dataset:
    """Return a dataset of this very file, complete; refuse anything else unread.

    ``kinds``: those of NumPy's dtypes that it may have, or ``"text"``.
    """
    try:
        dataset = own_dataset(file, name)
    except ValueError as error:
        raise _damaged(path, str(error)) from error
    text = h5py.check_string_dtype(dataset.dtype) is not None
    # Rows are mapped: text and objects among them would be read as addresses.
    if text != (kinds == "text") or not (text or dataset.dtype.kind in kinds):
        raise _damaged(path, f"{name} holds {dataset.dtype}")
    return dataset


def _damaged(path: Path, reason: str) -> SightkitError:
    return SightkitError(
        f"The dataset file is damaged: {reason}.",
        "Delete it and build it again.",
        path=str(path),
    )
