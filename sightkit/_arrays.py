"""Arrays that NumPy wrote, walked before they are read: none larger than its file, no objects."""

from __future__ import annotations

import hashlib
import math
import os
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, Any

import numpy as np

from sightkit._regular_file import open_regular


def read_npz(path: str | os.PathLike[str], most: int | None = None) -> dict[str, np.ndarray]:
    """Read what ``np.savez`` wrote.

    Args:
        path: the file.
        most: bytes that all arrays may have, of a file that may be compressed; by default those
            of the file, which is not.

    Raises:
        ValueError: no regular file, or not what ``np.savez`` writes; in one line.
    """
    try:
        with open_regular(path) as stream, zipfile.ZipFile(stream) as archive:
            members = archive.infolist()
            names = {member.filename for member in members}
            declared = sum(member.file_size for member in members)
            stored = all(member.compress_type == zipfile.ZIP_STORED for member in members)
            room = os.stat(path).st_size if most is None else most
            if not (stored or most) or len(names) < len(members) or declared > room:
                raise ValueError("it declares other arrays than it has")
            arrays = {}
            for member in members:
                with archive.open(member) as part:
                    _check_header(part, member.file_size)
                with archive.open(member) as part:
                    name = member.filename.removesuffix(".npy")
                    arrays[name] = np.lib.format.read_array(part, allow_pickle=False)
            return arrays
    except Exception as error:  # zipfile and NumPy raise what they like on damaged bytes
        raise ValueError(_reason(error)) from error


def read_npy(path: str | os.PathLike[str]) -> np.ndarray:
    """Read what ``np.save`` wrote.

    Raises:
        ValueError: no regular file, or not what ``np.save`` writes; in one line.
    """
    try:
        with open_regular(path) as stream:
            _check_header(stream, os.fstat(stream.fileno()).st_size)
            stream.seek(0)
            return np.lib.format.read_array(stream, allow_pickle=False)
    except Exception as error:
        raise ValueError(_reason(error)) from error


def sha256_of(arrays: Iterable[tuple[str, np.ndarray]]) -> str:
    """Return the SHA-256 over names, dtypes, shapes and bytes of arrays, in their order."""
    digest = hashlib.sha256()
    for name, array in arrays:
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).view(np.uint8).data)
    return digest.hexdigest()


def check_arrays(
    arrays: Mapping[str, np.ndarray], wanted: Mapping[str, tuple[str, Sequence[str]]], **sizes: int
) -> None:
    """Compare arrays with what they must be.

    Args:
        arrays: name to array.
        wanted: name to dtype and the name of each dimension; equal names are equal sizes.
        **sizes: of dimensions, where they are known.

    Raises:
        ValueError: others, of another dtype or shape, or numbers that are not finite.
    """
    if set(arrays) != set(wanted):
        raise ValueError(f"it holds {sorted(arrays)}, not {sorted(wanted)}")
    for name, (dtype, dimensions) in wanted.items():
        array = arrays[name]
        fits = array.ndim == len(dimensions) and array.dtype == np.dtype(dtype)
        if not fits or any(
            sizes.setdefault(each, size) != size
            for each, size in zip(dimensions, array.shape, strict=True)
        ):
            shape = ", ".join(f"{each} {sizes.get(each, '')}".strip() for each in dimensions)
            raise ValueError(f"{name} is {array.dtype} {array.shape}, not {dtype} ({shape})")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ValueError(f"{name} holds numbers that are not finite")


def _check_header(stream: IO[bytes], size: int) -> None:
    """Raise unless a stream of ``size`` bytes begins with the header of an array that fills it."""
    version = np.lib.format.read_magic(stream)
    readers: Mapping[tuple[int, int], Any] = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    shape, _, dtype = readers[version](stream)
    if dtype.hasobject or stream.tell() + math.prod(shape) * dtype.itemsize != size:
        raise ValueError(f"an array of {dtype} {shape} is not what it holds")


def _reason(error: Exception) -> str:
    text = str(error) or type(error).__name__
    return text.splitlines()[0][:200]
