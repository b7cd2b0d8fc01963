"""Write the rows of a dataset file: at their place, before the file is HDF5 at all.

HDF5's own header is written last, when it is known how many rows there are. Until then no reader
takes the file for a dataset, and a process that dies leaves nothing that HDF5 would have to repair.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from sightkit import _faults, _locks
from sightkit._errors import FULL, SightkitError
from sightkit.io.hdf5.layout import STRINGS


class RowFile:
    """Rows in a file that becomes an HDF5 file with one contiguous dataset.

    Args:
        path: the file; opened by ``open``.
        data_key: name of the dataset.
        shape: of one row.
        dtype: of the rows.
    """

    def __init__(self, path: Path, data_key: str, shape: tuple[int, ...], dtype: np.dtype) -> None:
        self.path = path
        self.data_key = data_key
        self.shape = shape
        self.dtype = dtype
        self.row_bytes = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        self._descriptor: int | None = None
        self._offset = 0

    def open(self, size: int, *, anew: bool) -> None:
        """Open the file, empty or as a stopped process left it, and reserve ``size`` bytes of disk.

        A write that fails inside HDF5 leaves a file that cannot be closed, and a process that
        dies of a segmentation fault when it exits (h5py issue 914); here it is a plain OSError.
        """
        flags = os.O_RDWR | os.O_NOFOLLOW
        if anew:  # never through a link, nor into a file that somebody else has open
            self.path.unlink(missing_ok=True)
            flags |= os.O_CREAT | os.O_EXCL
        self._descriptor = os.open(self.path, flags, 0o666)
        os.posix_fallocate(self._descriptor, 0, size)
        self._offset = len(self._header(1))

    def write(self, start: int, rows: np.ndarray) -> None:
        """Put rows at their place; ``start`` is the number of rows before them."""
        data = memoryview(np.ascontiguousarray(rows).reshape(-1).view(np.uint8).data)
        place = self._offset + start * self.row_bytes
        while len(data):
            written = os.pwrite(self._opened(), data, place)
            data, place = data[written:], place + written

    def read(self, start: int, count: int) -> np.ndarray:
        """Read rows, (count, …); fewer where the file ends."""
        place = self._offset + start * self.row_bytes
        data = os.pread(self._opened(), count * self.row_bytes, place)
        complete = len(data) // self.row_bytes
        flat = np.frombuffer(data[: complete * self.row_bytes], self.dtype)
        return flat.reshape(complete, *self.shape)

    def finish(self, count: int, size: int) -> None:
        """Make the file HDF5: a header for ``count`` rows before them, nothing but room after.

        What a process that died while it was doing this left behind is cut off.
        """
        header = self._header(count)
        if len(header) != self._offset:
            raise RuntimeError("HDF5's header must have one size, however many rows there are")
        os.pwrite(self._opened(), header, 0)
        os.ftruncate(self._opened(), self._offset + count * self.row_bytes)
        os.posix_fallocate(self._opened(), 0, size)
        self.close()

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _opened(self) -> int:
        if self._descriptor is None:
            raise SightkitError("The dataset was closed already.", path=str(self.path))
        return self._descriptor

    def _header(self, count: int) -> bytes:
        """Return the bytes that HDF5 writes before the rows of a contiguous dataset.

        The rows have their place at once and are not filled with zeros, so that the file which
        is made for it is all hole. No times: the same rows give the same file.
        """
        other = self.path.with_name(self.path.name + ".header")
        other.unlink(missing_ok=True)
        try:
            with h5py.File(other, "x", locking=False) as file:
                properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
                properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
                properties.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
                properties.set_obj_track_times(False)
                dataset = h5py.h5d.create(
                    file.id,
                    self.data_key.encode(),
                    h5py.h5t.py_create(self.dtype),
                    h5py.h5s.create_simple((count, *self.shape)),
                    properties,
                )
                offset = dataset.get_offset()
            with other.open("rb") as written:
                return written.read(offset)
        finally:
            other.unlink(missing_ok=True)


def dataset_lock(path: Path) -> _locks.FileLock:
    """The lock under which a dataset file is written; not yet taken."""
    return _locks.FileLock(path.with_name(f".{path.name}.lock"), f"the dataset {path.name}")


def write_columns(path: Path, columns: Mapping[str, Any], attributes: Mapping[str, Any]) -> None:
    """Write what a dataset file has beside its rows (None: it has not), and ``complete`` last."""
    with h5py.File(path, "r+", locking=False) as file:  # our own lock is held
        for name, values in columns.items():
            if values is None:
                continue
            text = isinstance(values, list)
            file.create_dataset(name, data=values, dtype=STRINGS if text else None)
        file.attrs.update(attributes)
    _faults.crash_point("dataset.flushed")
    # Opened anew, HDF5 sees the space that was reserved, and gives back what it did not need.
    with h5py.File(path, "r+", locking=False) as file:
        file.attrs["complete"] = 1
    _faults.crash_point("dataset.complete")


def as_user_error(path: Path, error: BaseException) -> BaseException:
    """A full disk, a quota or a size limit, as our error.

    The system reports it by a number, HDF5 as OSError or RuntimeError with a text.
    """
    text = str(error)
    of_hdf5 = isinstance(error, OSError | RuntimeError) and ("errno = " in text or "rite" in text)
    if getattr(error, "errno", None) in FULL or of_hdf5:
        return SightkitError(
            f"The dataset could not be written completely: {text.splitlines()[0]}.",
            "An older file is untouched; free some space, or choose another folder.",
            path=str(path),
        )
    return error
