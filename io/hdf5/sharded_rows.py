"""Rows of several arrays, read as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


class ShardedRows:
    """Several arrays, one after the other; indexed along the first axis as an array is.

    Args:
        parts: at least one, none empty, (n, …) of one shape and dtype, contiguous.

    Example:
        >>> rows = ShardedRows([np.arange(3), np.arange(10, 12)])
        >>> rows[[0, 4]].tolist(), rows[1:4].tolist(), int(rows[-1])
        ([0, 11], [1, 2, 10], 11)
    """

    def __init__(self, parts: Sequence[np.ndarray]) -> None:
        self._parts = list(parts)
        self._bytes = [part.reshape(-1).view(np.uint8).data for part in parts]
        self._row_bytes = parts[0][0].nbytes
        self._ends = np.cumsum([len(part) for part in parts])
        self._begins = self._ends - [len(part) for part in parts]
        self.shape = (int(self._ends[-1]), *parts[0].shape[1:])
        self.dtype = parts[0].dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[:], dtype)

    def __getitem__(self, rows: Any) -> np.ndarray:
        """Return a row by its position, or rows by positions, a mask or a slice.

        A slice within one part is a view of it, all else a copy.
        """
        if isinstance(rows, slice):
            start, stop, step = rows.indices(len(self))
            part = int(np.searchsorted(self._ends, start, "right"))
            if step == 1 and start < stop <= self._ends[part]:
                begin = self._begins[part]
                return self._parts[part][start - begin : stop - begin]
            rows = np.arange(start, stop, step)
        rows = np.asarray(rows)
        if rows.dtype == bool:
            rows = np.arange(len(self))[rows]
        rows = np.where(rows < 0, rows + len(self), rows).astype(np.int64)
        if rows.size and (rows.min() < 0 or rows.max() >= len(self)):
            raise IndexError(f"a row is not among {len(self)}")
        parts = np.searchsorted(self._ends, rows, "right")
        if not rows.ndim:
            return self._parts[int(parts)][int(rows - self._begins[parts])]
        size = self._row_bytes
        places = zip(parts.tolist(), (rows - self._begins[parts]).tolist(), strict=True)
        # Bytes that are joined take no longer than rows of one array; rows that are assigned do.
        found = [self._bytes[part][row * size : (row + 1) * size] for part, row in places]
        joined = np.frombuffer(bytearray().join(found), self.dtype)
        return joined.reshape(len(rows), *self.shape[1:])
