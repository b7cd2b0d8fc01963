"""Compare every row of a dataset file with its hash."""

from __future__ import annotations

import contextlib
import math
from pathlib import Path

import numpy as np

from sightkit._errors import SightkitError
from sightkit.io.hdf5.file import DatasetFile
from sightkit.io.hdf5.values import channel_sums, row_hashes
from sightkit.io.left_out import Finding
from sightkit.io.threads import in_threads, progress

PORTION_BYTES = 2**23


def verify_file(path: Path, workers: int | None) -> tuple[int, list[Finding]]:
    """Return the number of rows, and those that differ from their hash or are in two splits."""
    file = DatasetFile.open(path)
    sources, hashes = file.sources(), file.hashes()
    digests = [row.tobytes().hex() for row in hashes]
    findings = [
        Finding(sources[row], f"row {row}: {reason}", digests[row])
        for row, reason in sorted(
            {**_copies(file, digests), **_changed(file, hashes, workers)}.items()
        )
    ]
    return len(sources), findings


def _changed(file: DatasetFile, hashes: np.ndarray, workers: int | None) -> dict[int, str]:
    """Rows that differ from their hash or are not finite; a wrong mean is an error."""
    rows = file.memmap()
    count = len(rows)
    size = max(1, PORTION_BYTES // (file.dtype.itemsize * math.prod(file.shape[1:])))
    first, last = next(iter(file.splits.values()))
    total = np.zeros(file.shape[-1])
    reasons: dict[int, str] = {}

    def look(start: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        part = rows[start : start + size]
        same = np.all(row_hashes(part) == hashes[start : start + size], axis=1)
        finite = np.ones(len(part), bool)
        if part.dtype.kind == "f":
            finite = np.all(np.isfinite(part.reshape(len(part), -1)), axis=1)
        training = part[max(first - start, 0) : max(last - start, 0)]
        return same, finite, channel_sums(training)

    starts = range(0, count, size)
    with (
        progress(count, f"Checking {file.path.name}") as advance,
        contextlib.closing(in_threads(look, starts, workers=workers)) as results,
    ):
        for start, (same, finite, added) in zip(starts, results, strict=True):
            advance(len(same))
            total += added
            reasons |= {start + int(row): "not finite" for row in np.flatnonzero(~finite)}
            differ = "the pixels differ from what was written"
            reasons |= {start + int(row): differ for row in np.flatnonzero(~same)}
    mean = total / ((last - first) * math.prod(file.shape[1:-1]))
    if not reasons and file.mean.size and not np.allclose(mean, file.mean, rtol=1e-6, atol=1e-9):
        raise SightkitError(
            "The dataset file is damaged: its mean is not that of its training rows.",
            "Delete it and build it again.",
            path=str(file.path),
            mean=file.mean,
            of_the_rows=mean,
        )
    return reasons


def _copies(file: DatasetFile, digests: list[str]) -> dict[int, str]:
    """Rows whose bytes are in an earlier split too."""
    seen: dict[str, tuple[int, str]] = {}
    reasons = {}
    for split, (first, last) in file.splits.items():
        for row in range(first, last):
            other, where = seen.setdefault(digests[row], (row, split))
            if where != split:
                reasons[row] = f"the same pixels as row {other} of {where} are in {split}"
    return reasons
