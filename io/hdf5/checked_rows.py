"""The rows of a dataset file, mapped; each is compared with its hash when it is read first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sightkit.io.hdf5.values import row_hashes


class CheckedRows:
    """Rows that are what was written, or an error.

    Args:
        rows: (N, …), mapped.
        hashes: uint8 (N, 32), SHA-256 of each row.
        changed: makes the error of rows that have changed.
    """

    def __init__(
        self, rows: np.ndarray, hashes: np.ndarray, changed: Callable[[np.ndarray], Exception]
    ) -> None:
        self._rows = rows
        self._hashes = hashes
        self._changed = changed
        self._unchecked = np.ones(len(rows), bool)

    def __getitem__(self, rows: Any) -> np.ndarray:
        """Return rows by position, by positions or by a slice; a view where the array has one."""
        found = np.asarray(self._rows[rows])
        fresh = np.atleast_1d(self._unchecked[rows])
        if fresh.any():
            positions = np.atleast_1d(np.arange(len(self._rows))[rows])[fresh]
            several = found.reshape(len(fresh), *self._rows.shape[1:])[fresh]
            same = (row_hashes(several) == self._hashes[positions]).all(axis=1)
            if not same.all():
                raise self._changed(positions[~same])
            self._unchecked[positions] = False
        return found
