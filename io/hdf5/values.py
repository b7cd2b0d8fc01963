"""Check the values of a dataset file before they are written; sum and hash its rows."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sightkit import _files
from sightkit._errors import SightkitError
from sightkit.io.arguments import whole_number
from sightkit.io.labels import check_labels

RESERVED = frozenset({"labels", "hashes", "originals", "groups", "class_names", "sources"})
ATTRIBUTE_BYTES = 60_000
"""HDF5 stores an attribute in an object header, which holds 64 KiB."""


METADATA_BYTES, ROW_BYTES, TEXT_BYTES = 2**17, 72, 48
"""What a file takes beside its rows: of its own; a row's label, hash, original, group and
reference; a text's head.

A text takes twice its length and head at most, where the rest of a block of the heap is lost."""

SOURCE_BYTES = 64


def file_size(
    dims: Sequence[int], dtype: np.dtype, class_names: Sequence[str], source_bytes: int
) -> int:
    """The most bytes that a dataset file takes.

    Args:
        dims: shape of all rows, (N, …).
        dtype: of the rows.
        class_names: of the file.
        source_bytes: length of a row's source, on average, in UTF-8.
    """
    rows = int(np.prod(dims, dtype=np.int64)) * dtype.itemsize
    names = sum(2 * (len(name.encode()) + TEXT_BYTES) for name in class_names)
    return rows + names + METADATA_BYTES + dims[0] * (ROW_BYTES + 2 * (source_bytes + TEXT_BYTES))


def mean_bytes(texts: Sequence[str]) -> int:
    """Bytes of a text in UTF-8, on average, rounded up."""
    return -(-sum(len(text.encode()) for text in texts) // len(texts))


def identity(
    labels: np.ndarray,
    hashes: np.ndarray,
    class_names: tuple[str, ...],
    splits: dict[str, Any],
    groups: np.ndarray | None = None,
) -> str:
    """SHA-256 over what makes the data what they are."""
    digest = hashlib.sha256(np.ascontiguousarray(labels, "<i8").tobytes())
    digest.update(np.ascontiguousarray(hashes, np.uint8).tobytes())
    digest.update(json.dumps([class_names, splits], ensure_ascii=False).encode())
    if groups is not None:
        digest.update(np.ascontiguousarray(groups, "<i8").tobytes())
    return digest.hexdigest()


def origins_sha256(sources: Sequence[str], originals: np.ndarray | None) -> str:
    """SHA-256 over the names of rows, and the keys of their images where they are known."""
    digest = hashlib.sha256(b"" if originals is None else originals.tobytes())
    digest.update(json.dumps(list(sources), ensure_ascii=False).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def attributes_sha256(attributes: Mapping[str, Any]) -> str:
    """SHA-256 over what is written beside the data, but ``complete``, which comes last."""
    values = {name: value for name, value in attributes.items() if name != "complete"}
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def check_path(path: Path, overwrite: bool) -> None:
    """Raise unless a dataset file may be written at ``path``."""
    if os.path.lexists(path) and not path.is_file():
        raise SightkitError(
            "A dataset file cannot take the place of a folder, a device or a dead link.",
            "Choose another name.",
            path=str(path),
        )
    if path.exists() and not overwrite:
        raise SightkitError(
            "An existing dataset is not replaced.",
            ("give --overwrite", "choose another name"),
            path=str(path),
        )


def channel_sums(rows: np.ndarray) -> np.ndarray:
    """Sum of each channel over all rows: float64 (C,), exact for bytes."""
    axes = tuple(range(rows.ndim - 1))
    if rows.dtype == np.uint8 and len(rows) <= 2**24:
        # Whole numbers, one row upon the other: 15 times as fast as a sum of floats.
        return rows.sum(axis=0, dtype=np.uint32).sum(axis=axes[:-1], dtype=np.float64)
    return rows.sum(axis=axes, dtype=np.float64)


def row_hashes(rows: np.ndarray) -> np.ndarray:
    """uint8 (n, 32): SHA-256 of the bytes of each row."""
    row_bytes = int(np.prod(rows.shape[1:], dtype=np.int64)) * rows.dtype.itemsize
    flat = np.ascontiguousarray(rows).reshape(-1).view(np.uint8).reshape(len(rows), row_bytes)
    digests = [hashlib.sha256(row.data).digest() for row in flat]
    return np.frombuffer(b"".join(digests), np.uint8).reshape(len(rows), 32)


def original_key(image: np.ndarray) -> np.ndarray:
    """uint8 (8,): the first bytes of the SHA-256 of an image, by which it is known again."""
    return row_hashes(image[np.newaxis])[0, :8]


def checked_names(class_names: Sequence[str]) -> tuple[str, ...]:
    """Class names, each of them once."""
    names = tuple(class_names)
    for name in names:
        check_text("class_names", name)
    if not names or len(set(names)) != len(names) or "" in names:
        twice = [name for name, times in Counter(names).items() if times > 1]
        raise SightkitError(
            "class_names must hold at least one name, none of them empty, each of them once.",
            class_names=names,
            twice=twice,
        )
    return tuple(map(str, names))


def checked_sources(sources: Sequence[str], rows: range) -> tuple[str, ...]:
    """Return where each of some rows comes from; their numbers where nothing is given."""
    named = tuple(sources) or tuple(f"row {row}" for row in rows)
    if len(named) != len(rows):
        raise SightkitError(
            "sources must name each row, or be left out.", sources=len(named), rows=len(rows)
        )
    for source in named:
        check_text("sources", source)
    return named


def checked_groups(groups: np.ndarray | None, rows: int) -> np.ndarray | None:
    """Return the group of each row as int64; None where there are none."""
    if groups is None:
        return None
    if np.shape(groups) != (rows,) or np.asarray(groups).dtype.kind not in "iu":
        raise SightkitError(
            "groups must hold a whole number for each row.", groups=np.shape(groups), rows=rows
        )
    return np.asarray(groups, np.int64)


def check_text(argument: str, text: Any) -> None:
    """Raise unless a text survives HDF5, whose UTF-8 ends at the first zero byte."""
    try:
        fits = isinstance(text, str) and b"\0" not in text.encode()
    except UnicodeEncodeError:
        fits = False
    if not fits:
        raise SightkitError(
            f"{argument} must be text that can be stored as UTF-8, without zero bytes.",
            "A file name in another encoding can be shown by os.fsencode(name); rename the file.",
            text=ascii(text),
        )


def check_rows(
    rows: np.ndarray, labels: np.ndarray, shape: tuple[int, ...], dtype: np.dtype, classes: int
) -> None:
    """Raise unless rows and their labels are of the kind that the file was opened for."""
    if rows.shape[1:] != shape or rows.dtype != dtype:
        raise SightkitError(
            f"Rows must be {dtype} of shape (n, {', '.join(map(str, shape))}).",
            "Images are stored as bytes; they become floats when they are read.",
            shape=rows.shape,
            dtype=rows.dtype,
        )
    if check_labels(labels, classes).shape != (len(rows),):
        raise SightkitError("Each row must have a label.", rows=len(rows), labels=labels.shape)


def checked_key(data_key: str) -> str:
    """The name of the dataset that holds the rows."""
    if not data_key or "/" in data_key or data_key in RESERVED:
        raise SightkitError(
            f"data_key must be a name without a slash, and none of {sorted(RESERVED)}.",
            data_key=data_key,
        )
    return data_key


def checked_dtype(dtype: str) -> np.dtype:
    """Return the dtype of rows; raise unless they are numbers."""
    kind = np.dtype(dtype)
    if kind.kind not in "uif":
        raise SightkitError("Rows must be integers or floats.", dtype=kind)
    return kind


def checked_json(argument: str, value: Mapping[str, Any]) -> str:
    """JSON that fits into an attribute."""
    try:
        text = _files.json_text(dict(value), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise SightkitError(f"{argument} must be JSON ({error}).") from error
    if len(text.encode("utf-8", "replace")) > ATTRIBUTE_BYTES:
        raise SightkitError(
            f"{argument} may have {ATTRIBUTE_BYTES:,} bytes as JSON, the limit of HDF5.",
            "Store a digest of what is long.",
            bytes=len(text),
        )
    return text


def split_ranges(splits: Mapping[str, int], total: int) -> dict[str, tuple[int, int]]:
    """Counts to row ranges; the training split, whose mean is stored, comes first."""
    splits = {
        name: whole_number(f"splits[{name!r}]", count, at_least=1) for name, count in splits.items()
    }
    if next(iter(splits)) != "train" or sum(splits.values()) != total:
        raise SightkitError(
            'splits must begin with "train", add up to all rows.', splits=dict(splits), rows=total
        )
    ends = np.cumsum(list(splits.values())).tolist()
    return {
        name: (end - count, end) for (name, count), end in zip(splits.items(), ends, strict=True)
    }
