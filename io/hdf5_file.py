"""The dataset file: its layout, and a reader that trusts nothing in it.

=============== ======================================================================
images          (N, H, W, C) uint8, contiguous; or another ``data_key`` and dtype
labels          (N,) int64, indices into class_names
class_names     (classes,) UTF-8
sources         (N,) UTF-8, where each row comes from
hashes          (N, 32) uint8, SHA-256 of each row's bytes
attributes      format, schema, colour, splits, preprocessing, recipe, mean (JSON or
                numbers), labels_sha256, and ``complete``, written last
=============== ======================================================================

Rows of one split lie together, in the order that ``splits`` gives.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from sightkit._errors import SightkitError

FORMAT = "sightkit-dataset"
SCHEMA = 1
STRINGS = h5py.string_dtype("utf-8")


@dataclass(frozen=True)
class DatasetFile:
    """What a whole and consistent dataset file says of itself; see ``DatasetFile.open``.

    Attributes:
        path: the file.
        data_key: name of the dataset that holds the rows.
        shape: (N, H, W, C).
        dtype: of the rows.
        offset: byte where the rows begin in the file.
        class_names: in label order.
        labels: int64 (N,).
        splits: name to (first row, row after the last).
        colour: ``"RGB"`` or ``"gray"``.
        preprocessing: config of the chain that the rows have been through.
        recipe: what the file was built from, and how.
        mean: float64 (C,), per channel over the training split, in the dtype's own range.
        sha256: of labels, row hashes, class names and splits: the identity of the data.
    """

    path: Path
    data_key: str
    shape: tuple[int, ...]
    dtype: np.dtype
    offset: int
    class_names: tuple[str, ...]
    labels: np.ndarray
    splits: dict[str, tuple[int, int]]
    colour: str
    preprocessing: dict[str, Any]
    recipe: dict[str, Any]
    mean: np.ndarray
    sha256: str

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> DatasetFile:
        """Read the header and the labels, and check that the file is whole.

        Raises:
            SightkitError: no such file, not a dataset file, never completed, damaged, or one that
                points out of itself.
        """
        path = Path(path)
        if not path.is_file():
            raise SightkitError("No dataset file is there.", "Build it first.", path=str(path))
        try:
            with h5py.File(path, "r") as file:
                return _read(path, file)
        except SightkitError:
            raise
        except (OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
            raise _damaged(path, str(error).splitlines()[0]) from error

    def rows(self, split: str) -> tuple[int, int]:
        """First row and row after the last of a split."""
        if split not in self.splits:
            raise SightkitError(
                f"The file has the splits {list(self.splits)}.", split=split, path=str(self.path)
            )
        return self.splits[split]

    def memmap(self) -> np.ndarray:
        """The rows as they lie in the file, read-only, (N, H, W, C); nothing is copied."""
        return np.memmap(self.path, self.dtype, "r", self.offset, self.shape)

    def hashes(self) -> np.ndarray:
        """SHA-256 of each row's bytes, uint8 (N, 32): rows that are alike have the same."""
        with h5py.File(self.path, "r") as file:
            return _dataset(self.path, file, "hashes")[...]


def identity(
    labels: np.ndarray, hashes: np.ndarray, class_names: tuple[str, ...], splits: dict[str, Any]
) -> str:
    """SHA-256 over what makes the data what they are."""
    digest = hashlib.sha256(np.ascontiguousarray(labels, "<i8").tobytes())
    digest.update(np.ascontiguousarray(hashes, np.uint8).tobytes())
    digest.update(json.dumps([class_names, splits], ensure_ascii=False).encode())
    return digest.hexdigest()


def _read(path: Path, file: h5py.File) -> DatasetFile:
    attributes = file.attrs
    if attributes.get("format") != FORMAT:
        raise SightkitError(
            "The file must be a dataset that HDF5DatasetWriter wrote.",
            "Build it with one of scripts/build_*.py or train_*.py.",
            path=str(path),
        )
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
    rows = _dataset(path, file, data_key)
    labels = _dataset(path, file, "labels")[...].astype(np.int64)
    hashes = _dataset(path, file, "hashes")[...]
    class_names = tuple(_dataset(path, file, "class_names").asstr()[...])
    splits = {name: tuple(ends) for name, ends in json.loads(attributes["splits"]).items()}
    sha256 = identity(labels, hashes, class_names, splits)
    if sha256 != attributes["labels_sha256"]:
        raise _damaged(path, "labels, hashes or class names differ from what was written")
    if rows.shape[0] != len(labels) or rows.id.get_offset() is None:
        raise _damaged(path, f"{rows.shape[0]} rows for {len(labels)} labels, or no rows at all")
    return DatasetFile(
        path=path,
        data_key=data_key,
        shape=tuple(rows.shape),
        dtype=rows.dtype,
        offset=rows.id.get_offset(),
        class_names=class_names,
        labels=labels,
        splits=splits,
        colour=str(attributes["colour"]),
        preprocessing=json.loads(attributes["preprocessing"]),
        recipe=json.loads(attributes["recipe"]),
        mean=np.asarray(attributes["mean"], np.float64),
        sha256=sha256,
    )


def _dataset(path: Path, file: h5py.File, name: str) -> h5py.Dataset:
    """A dataset that lies in this very file, whole; anything else is refused unread."""
    if not isinstance(file.get(name, getlink=True), h5py.HardLink):
        raise _damaged(path, f"{name} is a link to somewhere else")
    dataset = file[name]
    if not isinstance(dataset, h5py.Dataset) or dataset.external or dataset.is_virtual:
        raise _damaged(path, f"{name} is no dataset of this file's own")
    text = h5py.check_string_dtype(dataset.dtype) is not None
    if dataset.dtype.hasobject and not text:
        raise _damaged(path, f"{name} holds objects")
    if dataset.nbytes > path.stat().st_size:
        raise _damaged(path, f"{name} declares {dataset.nbytes:,} bytes, more than the file has")
    return dataset


def _damaged(path: Path, reason: str) -> SightkitError:
    return SightkitError(
        f"The dataset file is damaged: {reason}.",
        "Delete it and build it again.",
        path=str(path),
    )
