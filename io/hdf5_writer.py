"""Write a dataset file: whole or not at all."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from sightkit import _files
from sightkit._errors import SightkitError
from sightkit.io.hdf5_file import FORMAT, SCHEMA, STRINGS, identity
from sightkit.io.hdf5_values import (
    channel_sums,
    check_text,
    checked_dtype,
    checked_json,
    checked_key,
    checked_names,
    colour_of,
    row_hashes,
    split_ranges,
)
from sightkit.io.threads import whole_number

METADATA_BYTES, ROW_BYTES, TEXT_BYTES = 2**17, 56, 48
"""What a file takes beside its rows: of its own, a row's label, hash and reference, a text's head.

A text takes twice its length and head at most, where the rest of a block of the heap is lost."""

SOURCE_BYTES = 64


def file_size(rows: int, count: int, source_bytes: int = SOURCE_BYTES) -> int:
    """The most bytes that a dataset file takes.

    Args:
        rows: bytes of all rows.
        count: number of rows.
        source_bytes: length of a row's source, on average, in UTF-8.
    """
    return rows + METADATA_BYTES + count * (ROW_BYTES + 2 * (source_bytes + TEXT_BYTES))


def dataset_lock(path: Path) -> _files.FileLock:
    """The lock under which a dataset file is written; not yet taken."""
    return _files.FileLock(path.with_name(f".{path.name}.lock"), f"the dataset {path.name}")


class HDF5DatasetWriter:
    """Write images and labels to one HDF5 file; use it as a context manager.

    Rows go to ``NAME.partial`` beside ``path``. When the block ends well, the marker ``complete``
    is written, the file is synced and renamed; when it does not, the partial file is removed and
    whatever stood at ``path`` stands there still.

    Args:
        dims: shape of all rows, (N, H, W, C).
        path: the file to write.
        class_names: in label order.
        splits: name to number of rows, in the order in which rows will be added; all of them
            ``"train"`` when left out.
        data_key: name of the dataset.
        dtype: of the rows; ``"uint8"`` for images.
        preprocessing: config of the chain that the rows have been through.
        recipe: JSON that says what the file is built from, and how.
        overwrite: replace a file that exists.
        source_bytes: length of the rows' sources, on average, in UTF-8; for the space on the disk.
        lock: the file's ``dataset_lock``, if the caller holds it already.

    Raises:
        SightkitError: the file exists, another process writes it, the disk is too small, names or
            configs cannot be kept, or what is added does not fit.

    Example:
        with HDF5DatasetWriter((2, 8, 8, 1), "two.h5", class_names=("a", "b")) as writer:
            writer.add(images, labels=[0, 1])
    """

    def __init__(
        self,
        dims: Sequence[int],
        path: str | os.PathLike[str],
        *,
        class_names: Sequence[str],
        splits: Mapping[str, int] | None = None,
        data_key: str = "images",
        dtype: str = "uint8",
        preprocessing: Mapping[str, Any] | None = None,
        recipe: Mapping[str, Any] | None = None,
        overwrite: bool = False,
        source_bytes: int = SOURCE_BYTES,
        lock: _files.FileLock | None = None,
    ) -> None:
        self.path = Path(path)
        self.dims = tuple(whole_number("dims", size, at_least=1) for size in dims)
        self.class_names = checked_names(class_names)
        self.splits = split_ranges(splits or {"train": self.dims[0]}, self.dims[0])
        self.data_key = checked_key(data_key)
        self.dtype = checked_dtype(dtype)
        self.count = 0
        self._preprocessing = checked_json(
            "preprocessing", preprocessing or {"name": "Pipeline", "steps": []}
        )
        self._recipe = checked_json("recipe", recipe or {})
        self._source_bytes = whole_number("source_bytes", source_bytes, at_least=0)
        self._partial = self.path.with_name(self.path.name + _files.PARTIAL)
        self._labels = np.zeros(self.dims[0], np.int64)
        self._hashes = np.zeros((self.dims[0], 32), np.uint8)
        self._sources: list[str] = []
        self._sum = np.zeros(self.dims[-1], np.float64)
        self._lock = lock or dataset_lock(self.path)
        self._prepare(overwrite)

    def __enter__(self) -> HDF5DatasetWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *details: object) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()

    def add(
        self,
        rows: np.ndarray,
        labels: Sequence[int] | np.ndarray,
        sources: Sequence[str] = (),
        *,
        hashes: np.ndarray | None = None,
    ) -> None:
        """Append rows.

        Args:
            rows: (n, H, W, C) of the writer's dtype; for images RGB or grey, 0–255.
            labels: (n,), indices into ``class_names``.
            sources: (n,), where each row comes from; numbered when left out.
            hashes: uint8 (n, 32), SHA-256 of each row, if they are known already.
        """
        rows, labels = np.asarray(rows), np.asarray(labels)
        end = self.count + len(rows)
        self._check(rows, labels, end)
        sources = list(sources) or [f"row {row}" for row in range(self.count, end)]
        if len(sources) != len(rows):
            raise SightkitError(
                "sources must name each row, or be left out.", sources=len(sources), rows=len(rows)
            )
        for source in sources:
            check_text("sources", source)
        self._write(rows)
        self._labels[self.count : end] = labels
        self._hashes[self.count : end] = row_hashes(rows) if hashes is None else hashes
        self._sources.extend(sources)
        self._add_to_mean(rows)
        self.count = end
        _files.crash_point("dataset.rows")

    def close(self) -> None:
        """Complete the file and give it its name; fails when rows are missing."""
        if not self._file:
            return
        if self.count != self.dims[0]:
            self.abort()
            raise SightkitError(
                "A dataset must have as many rows as it was opened for.",
                "Nothing was written.",
                rows=self.count,
                expected=self.dims[0],
                path=str(self.path),
            )
        try:
            self._complete()
            _files.sync(self._partial)
            _files.crash_point("dataset.synced")
            os.replace(self._partial, self.path)
            _files.crash_point("dataset.renamed")
            _files.sync(self.path.parent)
            self._lock.release()
        except BaseException as error:
            self.abort()
            raise _as_user_error(self.path, error) from error

    def abort(self) -> None:
        """Give up: close and remove the partial file."""
        try:
            self._file.close()
        except (OSError, RuntimeError):
            pass  # a full disk may keep HDF5 from flushing what is thrown away anyhow
        self._partial.unlink(missing_ok=True)
        self._lock.release()

    def _prepare(self, overwrite: bool) -> None:
        if os.path.lexists(self.path) and not self.path.is_file():
            raise SightkitError(
                "A dataset file cannot stand in the place of a folder, a device or a dead link.",
                "Choose another name.",
                path=str(self.path),
            )
        if self.path.exists() and not overwrite:
            raise SightkitError(
                "An existing dataset is not replaced.",
                "Pass overwrite=True (--overwrite), or choose another name.",
                path=str(self.path),
            )
        _files.require_writable(self.path.parent)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        size = self._size(self._source_bytes)
        _files.require_free_space(self.path.parent, size, self.path.name)
        self._lock.acquire()
        self._file = h5py.File(self._partial, "w", locking=False)  # our own lock is held
        try:
            self._rows = self._create_rows()
            self._reserve(size)
        except BaseException as error:
            self.abort()
            raise _as_user_error(self.path, error) from error
        _files.crash_point("dataset.created")

    def _create_rows(self) -> h5py.Dataset:
        """A contiguous dataset that has its place in the file now, and is not filled with zeros."""
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        properties.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
        h5py.h5d.create(
            self._file.id,
            self.data_key.encode(),
            h5py.h5t.py_create(self.dtype),
            h5py.h5s.create_simple(self.dims),
            properties,
        )
        self._file.flush()
        return self._file[self.data_key]

    def _reserve(self, size: int) -> None:
        """Take the disk space before HDF5 needs it.

        A write that fails inside HDF5 leaves a file that cannot be closed, and a process that
        dies of a segmentation fault when it exits (h5py issue 914); here it is a plain OSError.
        """
        descriptor = os.open(self._partial, os.O_WRONLY)
        try:
            os.posix_fallocate(descriptor, 0, size)
        finally:
            os.close(descriptor)

    def _size(self, source_bytes: int) -> int:
        """The most bytes that the file takes."""
        rows = int(np.prod(self.dims, dtype=np.int64)) * self.dtype.itemsize
        names = sum(2 * (len(name.encode()) + TEXT_BYTES) for name in self.class_names)
        return file_size(rows, self.dims[0], source_bytes) + names

    def _check(self, rows: np.ndarray, labels: np.ndarray, end: int) -> None:
        if rows.shape[1:] != self.dims[1:] or rows.dtype != self.dtype:
            raise SightkitError(
                f"Rows must be {self.dtype} of shape (n, {', '.join(map(str, self.dims[1:]))}).",
                "Images are kept as the bytes they are; they become floats when they are read.",
                shape=rows.shape,
                dtype=rows.dtype,
            )
        if labels.shape != (len(rows),) or labels.dtype.kind not in "iu":
            raise SightkitError(
                "labels must be integers, one a row.", shape=labels.shape, dtype=labels.dtype
            )
        if len(labels) and not (0 <= labels.min() and labels.max() < len(self.class_names)):
            raise SightkitError(
                f"Labels must lie between 0 and {len(self.class_names) - 1}, the last class.",
                lowest=labels.min(),
                highest=labels.max(),
            )
        if end > self.dims[0]:
            raise SightkitError(
                "More rows are added than the file was opened for.", rows=end, expected=self.dims[0]
            )

    def _write(self, rows: np.ndarray) -> None:
        try:
            self._rows[self.count : self.count + len(rows)] = rows
        except (OSError, RuntimeError) as error:
            self.abort()
            raise _as_user_error(self.path, error) from error

    def _add_to_mean(self, rows: np.ndarray) -> None:
        first, last = next(iter(self.splits.values()))
        training = rows[max(first - self.count, 0) : max(last - self.count, 0)]
        self._sum += channel_sums(training)

    def _complete(self) -> None:
        file = self._file
        length = sum(len(source.encode()) for source in self._sources)
        self._reserve(self._size(-(-length // len(self._sources))))  # they may be longer than said
        file.create_dataset("labels", data=self._labels)
        file.create_dataset("hashes", data=self._hashes)
        file.create_dataset("class_names", data=list(self.class_names), dtype=STRINGS)
        file.create_dataset("sources", data=self._sources, dtype=STRINGS)
        first, last = next(iter(self.splits.values()))
        pixels = (last - first) * int(np.prod(self.dims[1:-1]))
        file.attrs.update(
            {
                "format": FORMAT,
                "schema": SCHEMA,
                "data_key": self.data_key,
                "colour": colour_of(self.dims),
                "splits": json.dumps(self.splits),
                "preprocessing": self._preprocessing,
                "recipe": self._recipe,
                "mean": self._sum / pixels,
                "labels_sha256": identity(
                    self._labels, self._hashes, self.class_names, self.splits
                ),
            }
        )
        file.close()
        _files.crash_point("dataset.flushed")
        # Opened anew, HDF5 sees the space that was reserved, and gives back what it did not need.
        with h5py.File(self._partial, "r+", locking=False) as file:
            file.attrs["complete"] = 1
        _files.crash_point("dataset.complete")


def _as_user_error(path: Path, error: BaseException) -> BaseException:
    """A full disk, a quota or a size limit, as our error.

    The system tells it by a number, HDF5 as OSError or RuntimeError with a text.
    """
    text = str(error)
    from_system = getattr(error, "errno", None) in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
    from_hdf5 = isinstance(error, (OSError, RuntimeError)) and (
        "errno = " in text or "rite" in text
    )
    if from_system or from_hdf5:
        return SightkitError(
            f"The dataset could not be written whole: {text.splitlines()[0]}.",
            "Nothing was kept, an older file stands; free some space, or choose another folder.",
            path=str(path),
        )
    return error
