"""Check what the programs of this folder are given, before they compute anything.

Formula: none. Test: tests/apps/foundations/test_arguments.py. Picture: none.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from numbers import Integral, Real
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
    whole = "must be a whole number, 1 at least"
    _require(values, lambda value: value >= 1 and isinstance(value, Integral), whole, "5")


def above_zero(**values: float) -> None:
    """Raise for a rate that is not above 0, or not finite."""
    _require(values, lambda value: 0 < value < np.inf, "must be a number above 0", "0.1")


def not_negative(**values: float) -> None:
    """Raise for a strength below 0, or not finite."""
    _require(values, lambda value: 0 <= value < np.inf, "must not be negative", "0")


def share(**values: float) -> None:
    """Raise for a share, as of a decayed average, that is not at least 0 and below 1."""
    _require(values, lambda value: 0 <= value < 1, "must be at least 0 and below 1", "0.9")


def _require(values: Any, fits: Callable[[Any], bool], rule: str, good: str) -> None:
    for name, value in values.items():
        if not isinstance(value, Real) or not fits(value):
            raise SightkitError(f"{name} {rule}.", f"Give {name}={good}, for example.", **values)


def _finite(values: Any, fits: Callable[[Any], bool], rule: str, next_step: str) -> Array:
    try:
        found = np.asarray(values, np.float64)
        finite = bool(np.isfinite(found).all())
    except (TypeError, ValueError):  # text, or rows of several lengths
        found, finite = np.asarray(values, object), False
    if not finite or not fits(found.shape):
        raise SightkitError(rule, next_step, shape=found.shape, finite=finite)
    return found


def samples(values: Any, features: int | None = None) -> Array:
    """Return samples as float64 (n, d), finite; with ``features`` d must be that of training."""
    found = _finite(
        values,
        lambda shape: len(shape) == 2 and 0 not in shape,
        "Samples must be finite numbers, a row a sample.",
        "Flatten images by images.reshape(len(images), -1); fill or leave out what is nan.",
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
    try:
        own = np.unique(found := np.asarray(values))
    except (TypeError, ValueError):  # None among them, or rows of several lengths
        own = found = np.asarray(values, object)
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
    rule = f"Targets must be finite numbers, one for each of {count} samples."
    advice = "Flatten them by y.ravel(); leave out samples whose target is nan."
    return _finite(values, lambda shape: shape == (count,), rule, advice)


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
