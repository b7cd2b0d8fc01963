"""HDF5 files that are nobody's promise: walked before anything in them is read.

What is handed out is in the file itself, and all of it together is no more than the file has.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from sightkit._regular_file import open_regular

if TYPE_CHECKING:
    import h5py
    import numpy as np

MOST_NAMES, MOST_DEPTH, MOST_PATH = 10_000, 50, 2_000
REFERENCE = struct.Struct("<I12x")
"""Of a text: its length, and where it is."""

HEAP = struct.Struct("<8sQ")
HEAP_OBJECT = struct.Struct("<HH4xQ")
HEAP_START = b"GCOL\x01\0\0\0"

Objects = dict[str, Any]
"""h5py's groups and datasets by their path, as in ``layers/conv2d/vars/0``; the root is ``""``."""


@contextlib.contextmanager
def open_hdf5(path: str | os.PathLike[str]) -> Iterator[Objects]:
    """Open an HDF5 file to read, without a lock: some disks have none.

    A file that is open in this process already, in one's own session, is opened as it is there:
    HDF5 allows nothing else.

    Raises:
        ValueError: no regular file or no HDF5; a link to anything, an object that is stored
            elsewhere, holds no numbers or texts, or declares more bytes than there are; or h5py
            cannot read it, in the block too. In one line.
    """
    try:
        with open_regular(path) as raw, _open(path) as file:
            found = _walk(file)
            _walk_heaps(raw, found)
            yield found
    except (OSError, RuntimeError, KeyError, TypeError, OverflowError, struct.error) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise ValueError(reason.splitlines()[0][:200]) from error


def texts(dataset: h5py.Dataset) -> list[str]:
    """Return a dataset of texts, (n,), whose lengths are compared with the file's first."""
    count, place = len(dataset), dataset.id.get_offset()
    if dataset.dtype.kind == "O" and count:  # others are as long as they declare
        if place is None:
            raise ValueError(f"{dataset.name} is stored in pieces")
        with open_regular(dataset.file.filename) as raw:
            raw.seek(place)
            lengths = (each[0] for each in REFERENCE.iter_unpack(raw.read(count * REFERENCE.size)))
            if sum(lengths) > os.fstat(raw.fileno()).st_size:
                raise ValueError(f"{dataset.name} holds more bytes than the file has")
    return list(dataset.asstr()[...])


def numbers(dataset: h5py.Dataset) -> np.ndarray:
    """Return a dataset of numbers."""
    if not hasattr(dataset, "dtype") or dataset.dtype.kind not in "biuf":
        raise ValueError(f"{dataset.name} holds no numbers")
    return dataset[...]


def is_text(dataset: h5py.Dataset | h5py.h5a.AttrID) -> bool:
    """Return whether a dataset or an attribute holds texts."""
    import h5py

    return h5py.check_string_dtype(dataset.dtype) is not None


def attribute(owner: Any, name: str) -> Any:
    """Return an attribute as Python has it; None where there is none.

    Raises:
        ValueError: it is neither numbers nor text.
    """
    if name not in owner.attrs:
        return None
    if not _is_plain(stored := owner.attrs.get_id(name)):  # HDF5 crashes on types of no kind
        raise ValueError(f"the attribute {name} holds {stored.dtype}")
    value: np.ndarray | Any = owner.attrs[name]
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, bytes):
        value = value.decode()
    if not isinstance(value, str | int | float | list):
        raise ValueError(f"the attribute {name} holds {type(value).__name__}")
    return value


def _is_plain(stored: h5py.Dataset | h5py.h5a.AttrID) -> bool:
    return stored.dtype.kind in "biufS" or is_text(stored)


def _open(path: str | os.PathLike[str]) -> h5py.File:
    import h5py

    try:
        return h5py.File(path, "r", locking=False)
    except OSError as error:
        if "locking" not in str(error):
            raise
    try:
        return h5py.File(path, "r")
    except OSError:
        return h5py.File(path, "r", locking=True)


def _walk(file: h5py.File) -> Objects:
    import h5py

    found: Objects = {"": file}
    room = size = file.id.get_filesize()
    waiting: list[tuple[str, Any]] = [("", file)]
    names = 0
    seen = {h5py.h5o.get_info(file["/"].id).addr}
    while waiting:
        place, group = waiting.pop()
        for key in group:
            names += 1
            inside = f"{place}/{key}".lstrip("/")
            if names > MOST_NAMES or inside.count("/") > MOST_DEPTH or len(inside) > MOST_PATH:
                raise ValueError("its groups are too many, or too deep")
            if not isinstance(group.get(key, getlink=True), h5py.HardLink):
                raise ValueError(f"{inside} is a link to somewhere else")
            each = group[key]
            address = h5py.h5o.get_info(each.id).addr
            if address in seen:  # by another name, or around in a circle
                continue
            seen.add(address)
            found[inside] = each
            if isinstance(each, h5py.Group):
                waiting.append((inside, each))
                continue
            if not isinstance(each, h5py.Dataset) or each.external or each.is_virtual:
                raise ValueError(f"{inside} is no dataset of this file's own")
            if each.shape is None or not _is_plain(each):
                raise ValueError(f"{inside} holds {each.dtype}, or nothing")
            room -= each.nbytes
            chunk = each.dtype.itemsize
            for side in each.chunks or ():
                chunk *= side
            if room < 0 or chunk > size:
                raise ValueError(f"{inside} declares more bytes than the file has")
    return found


def _walk_heaps(raw: BinaryIO, objects: Objects) -> None:
    """Walk the heaps of texts: HDF5 itself goes around for ever in one that is damaged.

    They are looked for everywhere but in datasets of numbers.
    """
    arrays = [each for each in objects.values() if getattr(each, "dtype", None) is not None]
    places = ((each.id.get_offset(), each.nbytes) for each in arrays if not is_text(each))
    with mmap.mmap(raw.fileno(), 0, access=mmap.ACCESS_READ) as content:
        start = 0
        for place, size in sorted((place, size) for place, size in places if place is not None):
            _walk_heaps_of(content, start, place)
            start = max(start, place + size)
        _walk_heaps_of(content, start, len(content))


def _walk_heaps_of(content: mmap.mmap, start: int, end: int) -> None:
    while (at := content.find(HEAP_START, start, end)) >= 0:
        _, size = HEAP.unpack_from(content, at)
        start, inside = at + size, at + HEAP.size
        if size <= HEAP.size or start > len(content):
            raise ValueError("a heap of texts is damaged")
        while inside + HEAP_OBJECT.size <= start:
            number, _, length = HEAP_OBJECT.unpack_from(content, inside)
            step = HEAP_OBJECT.size + -(-length // 8) * 8 if number else length
            inside += step
            if not step or inside > start:
                raise ValueError("a heap of texts is damaged")
