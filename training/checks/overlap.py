"""Check by content that no image is in two splits: file rows, arrays, or what was read of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from sightkit.training.checks.report import LeftOut, Line, failed, passed, warned
from sightkit.training.checks.samples import Samples, within

TOLERATED = 0.01
"""Share of a split that may be in another; CIFAR-10 itself has a few such images."""
VALUES = 4096
"""Values of an array's row, evenly spread, by which it is known again."""
ROLES = ("training", "validation", "test")


@dataclass(frozen=True, eq=False)
class _Part:
    """A split: one that was given, or another one of a given file."""

    name: str
    data: Any
    samples: Samples | None = None
    split: str = ""

    @property
    def file(self) -> Any:
        """The dataset file; None where the data are of another kind."""
        return getattr(self.data, "file", None)

    @property
    def sha256(self) -> str | None:
        """Identity of the file's data."""
        return None if self.file is None else self.file.sha256

    def keys(self) -> np.ndarray | None:
        """One opaque value a row; None where the rows are neither a file's nor an array's."""
        if self.file is not None:
            rows = np.ascontiguousarray(self.file.hashes()).view("V32").ravel()
            return rows[slice(*self.file.splits[self.split])]
        return _row_keys(self.data[0]) if isinstance(self.data, tuple) else None


def splits(*data: Any, read: Sequence[Samples | None] = ()) -> Line:
    """Find the same image in two splits.

    Args:
        *data: training, validation and test data, as ``preflight`` takes them.
        read: samples of the first of them, by which data of unlike form are compared.
    """
    given = [
        _Part(role, each, samples, getattr(each, "split", ""))
        for role, each, samples in zip(
            ROLES, map(within, data), [*read, None, None, None], strict=False
        )
        if each is not None
    ]
    given = [each for each in given if not _repeats_validation(each)]
    others = _other_splits(given)
    counts: dict[str, int] = {}
    found = []
    for first, second in combinations(given + others, 2):
        if second in others and first.sha256 != second.sha256:
            continue  # another split of another file: nothing that this training uses
        if (pair := _comparable(first, second)) is not None:
            counts |= {first.name: len(pair[0]), second.name: len(pair[1])}
            if count := int(np.isin(pair[1], pair[0]).sum()):
                share = count / min(map(len, pair))
                text = f"{count:,} of {len(pair[1]):,} images of {second.name} are in {first.name}"
                found.append((share, f"{text} too"))
    if not counts:
        raise LeftOut(
            "one split was given" if len(given + others) < 2 else "their rows cannot be compared"
        )
    if not found:
        listed = ", ".join(f"{name} {count:,}" for name, count in counts.items())
        return passed(f"no image is in two of them: {listed}")
    report = failed if max(found)[0] > TOLERATED else warned
    return report(
        "; ".join(text for _, text in sorted(found, reverse=True)),
        "Remove copies before the data are split, and train on none of the images that validate "
        "or test: else what they measure is memory.",
    )


def _other_splits(given: Sequence[_Part]) -> list[_Part]:
    """Return the splits of the given files that were not given themselves."""
    known = {(each.sha256, each.split) for each in given}
    parts = []
    for each in given:
        if each.file is None:
            continue
        for split in each.file.splits:
            part = _Part(f"{split} of {each.file.path.name}", each.data, None, split)
            if (part.sha256, split) not in known and not _repeats_validation(part):
                known.add((part.sha256, split))
                parts.append(part)
    return parts


def _repeats_validation(part: _Part) -> bool:
    """The test split of a search's file is the validation images again; its recipe says so."""
    return part.file is not None and part.split == "test" and "search" in part.file.recipe


def _comparable(first: _Part, second: _Part) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the keys of both in one form."""
    ours, theirs = first.keys(), second.keys()
    if ours is not None and theirs is not None and ours.dtype == theirs.dtype:
        return ours, theirs
    if first.samples is None or second.samples is None:
        return None
    if first.data is second.data:  # each time it is read, its images may be varied anew
        return _row_keys(first.samples.images), _row_keys(first.samples.images)
    return _row_keys(first.samples.images), _row_keys(second.samples.images)


def _row_keys(rows: Any) -> np.ndarray:
    rows = np.asarray(rows)
    rows = rows.reshape(len(rows), -1)
    rows = rows[:, :: max(1, rows.shape[1] // VALUES)]
    return np.array([hash(row.tobytes()) for row in rows], np.int64)
