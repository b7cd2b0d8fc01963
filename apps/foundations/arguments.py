"""Check what the programs of this folder are given, before they compute anything.

Formula: none. Test: tests/apps/foundations/test_arguments.py. Picture: none.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

import numpy as np

from sightkit._errors import SightkitError

Array = np.ndarray
LARGEST_CONDITION = 1e12
"""Beyond it a solution in float64 has fewer than four digits that mean anything."""


def choice(name: str, value: Any, known: Iterable[str]) -> Any:
    """Return ``value``, one of the names ``known``; an unknown one is answered by the nearest."""
    names = list(known)
    if value in names:
        return value
    near = difflib.get_close_matches(str(value), names, n=1, cutoff=0)
    raise SightkitError(
        f"{name} must be one of {', '.join(names)}.", f"Perhaps it is {near[0]}.", **{name: value}
    )


def counts(**values: float) -> None:
    """Raise for a number of things that is no whole number, or below 1."""
    for name, value in values.items():
        if not value >= 1 or value % 1:
            raise SightkitError(
                f"{name} must be a whole number, 1 at least.", f"Give {name}=5.", **values
            )


def above_zero(**values: float) -> None:
    """Raise for a rate that is not above 0, or not finite."""
    for name, value in values.items():
        if not 0 < value < np.inf:
            raise SightkitError(
                f"{name} must be a number above 0.", f"Give {name}=0.1, for example.", **values
            )


def not_negative(**values: float) -> None:
    """Raise for a strength below 0, or not finite."""
    for name, value in values.items():
        if not 0 <= value < np.inf:
            raise SightkitError(
                f"{name} must not be negative.", f"Give {name}=0 for none.", **values
            )


def share(**values: float) -> None:
    """Raise for a share, as of a decayed average, that is not at least 0 and below 1."""
    for name, value in values.items():
        if not 0 <= value < 1:
            raise SightkitError(
                f"{name} must be at least 0 and below 1.", f"Give {name}=0.9.", **values
            )


def samples(values: Any, features: int | None = None) -> Array:
    """Return samples as float64 (n, d), finite; with ``features`` d must be that of training."""
    found = np.asarray(values, np.float64)
    if found.ndim != 2 or 0 in found.shape or not np.isfinite(found).all():
        raise SightkitError(
            "Samples must be finite numbers, a row a sample.",
            "Flatten images by images.reshape(len(images), -1); fill or leave out what is nan.",
            shape=found.shape,
            finite=bool(np.isfinite(found).all()),
        )
    if features is not None and found.shape[1] != features:
        raise SightkitError(
            f"Samples must have the {features} features of the training.",
            "Prepare them as those of the training were.",
            features=found.shape[1],
        )
    return found


def labels(values: Any, count: int) -> Array:
    """Return labels as int64 (count,): 0 … K−1, each class at least once."""
    found = np.asarray(values)
    own = np.unique(found)
    if found.shape != (count,) or not np.array_equal(own, np.arange(len(own))):
        raise SightkitError(
            f"Labels must be 0 … K-1, each class at least once, one for each of {count} samples.",
            "names, labels = np.unique(labels, return_inverse=True) makes them so.",
            shape=found.shape,
            values=own[:10].tolist(),
        )
    return found.astype(np.int64)


def targets(values: Any, count: int) -> Array:
    """Return the numbers of a regression as float64 (count,)."""
    found = np.asarray(values, np.float64)
    if found.shape != (count,) or not np.isfinite(found).all():
        raise SightkitError(
            f"Targets must be finite numbers, one for each of {count} samples.", shape=found.shape
        )
    return found


def solve(matrix: Array, right: Array, next_step: str) -> Array:
    """Solve ``matrix @ x = right``; a singular system is refused with what helps."""
    condition = np.linalg.cond(matrix)
    if not condition <= LARGEST_CONDITION:
        raise SightkitError(
            "The system must have one solution, and it is singular.",
            next_step,
            rank=f"{np.linalg.matrix_rank(matrix)} of {len(matrix)}",
        )
    return np.linalg.solve(matrix, right)
