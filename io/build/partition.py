"""Divide images into splits: those that a source fixes, and shares of the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from sightkit._errors import SightkitError
from sightkit.io.groups import joined, report_ungrouped, require_divisible
from sightkit.io.labels import check_labels
from sightkit.io.sources.image_source import ImageSource
from sightkit.io.splits import SPLITS, check_fractions, split


def check_fixed(images: ImageSource, fractions: Mapping[str, float]) -> None:
    """Raise unless fractions, labels and fixed splits are valid, and fixed splits are apart."""
    check_fractions(fractions)
    if next(iter(fractions)) != SPLITS[0]:
        raise SightkitError('fractions must begin with "train".', fractions=dict(fractions))
    if not len(images):
        raise SightkitError("A source must have images.", source=images.name, images=0)
    check_labels(images.labels, len(images.class_names))
    rows = np.concatenate([np.zeros(0, np.int64), *(rows for _, rows in images.fixed)])
    inside = np.all((rows >= 0) & (rows < len(images)))
    if not inside or len(np.unique(rows)) < len(rows) or any(not len(r) for _, r in images.fixed):
        raise SightkitError(
            f"Fixed splits must hold rows from 0 to {len(images) - 1}, at least one, none more "
            "than once.",
            source=images.name,
            fixed={name: len(rows) for name, rows in images.fixed},
        )


def partition(
    images: ImageSource,
    fractions: Mapping[str, float],
    *,
    seed: int,
    readable: np.ndarray,
    keys: Sequence[bytes],
    groups: Sequence[str] | None = None,
) -> tuple[dict[str, np.ndarray], dict[int, str]]:
    """Deal the images of a source to splits.

    Splits that the source fixes stay as they are. The other shares, scaled to 1, divide the
    pool: the fixed ``"train"``, or else every row that is in no fixed split. What is equal to an
    image of a fixed split, or of its group, is dropped from the pool; other copies and groups stay
    in one split.

    Args:
        images: the source; see ``check_fixed``.
        fractions: shares of the splits, ``"train"`` first.
        seed: of the split.
        readable: bool (N,), images that may be used.
        keys: for each image; equal images have equal keys.
        groups: name of each image's group, where some belong together.

    Returns:
        Split to row numbers, in the order of ``fractions``; and row to reason of the readable
        images that are in none.
    """
    fixed = {name: np.asarray(rows)[readable[rows]] for name, rows in images.fixed}
    for name, rows in images.fixed:
        _require_classes(images, images.labels[rows], fixed[name], name)
    pool = fixed.pop("train", None)
    left_out: dict[int, str] = {}
    in_fixed = np.zeros(len(images), bool)
    if groups is not None:
        rows = np.flatnonzero(readable)
        named = [groups[int(row)] for row in rows]
        require_divisible(named, images.labels[rows], images.class_names, 2)
    together = _together(readable, keys, groups)
    owner: dict[bytes | int, str] = {}
    for name, rows in fixed.items():
        in_fixed[rows] = True
        owner.update((keys[row], name) for row in rows)
        owner.update((together[row], name) for row in rows)
    if pool is None:
        pool = np.flatnonzero(readable & ~in_fixed)
    else:
        outside = readable & ~in_fixed
        outside[pool] = False
        left_out |= {int(row): "in no split of the source" for row in np.flatnonzero(outside)}
    for row in map(int, pool):
        if keys[row] in owner:
            left_out[row] = f"copy of an image in the source's {owner[keys[row]]} split"
        elif together[row] in owner:
            left_out[row] = f"of a group in the source's {owner[together[row]]} split"
    pool = np.array([row for row in pool if int(row) not in left_out], np.int64)
    _require_classes(images, np.arange(len(images.class_names)), pool, SPLITS[0])
    shares = {name: share for name, share in fractions.items() if name not in fixed}
    if len(shares) < len(fractions):
        total = sum(shares.values())
        shares = {name: share / total for name, share in shares.items()}
    _check_own(images, keys, pool, list(shares))
    if groups is not None:
        own = [groups[int(row)] for row in pool]
        require_divisible(own, images.labels[pool], images.class_names, len(shares))
    else:
        report_ungrouped([images.identify(row) for row in pool], images.labels[pool])
    parts = split(
        images.labels[pool],
        shares,
        seed=seed,
        groups=[together[row] for row in pool],
        class_names=images.class_names,
    )
    parts = fixed | {name: pool[rows] for name, rows in parts.items()}
    order = [*fractions, *(name for name in fixed if name not in fractions)]
    return {name: parts[name] for name in order}, left_out


def _together(
    readable: np.ndarray, keys: Sequence[bytes], groups: Sequence[str] | None
) -> list[int]:
    """For each image a number that those share which are equal or of one group."""
    numbers = np.arange(len(keys))
    rows = np.flatnonzero(readable)
    lists = [keys] if groups is None else [keys, groups]
    numbers[rows] = rows[joined(*([each[row] for row in rows.tolist()] for each in lists))]
    return numbers.tolist()


def conflicting_labels(
    images: ImageSource, keys: Sequence[bytes], readable: np.ndarray
) -> dict[int, int]:
    """Row of an image to the first row that has an equal image of another class."""
    first: dict[bytes, int] = {}
    found = {}
    for row in map(int, np.flatnonzero(readable)):
        other = first.setdefault(keys[row], row)
        if images.labels[other] != images.labels[row]:
            found[row] = other
    return found


def _check_own(
    images: ImageSource, keys: Sequence[bytes], pool: np.ndarray, splits: Sequence[str]
) -> None:
    """Raise if a class has too few images because others of its images are in another class too."""
    usable = np.zeros(len(images), bool)
    usable[pool] = True
    copies = conflicting_labels(images, keys, usable)
    own = {int(label): set() for label in np.unique(images.labels[pool])}
    for row in map(int, pool):
        if row not in copies:
            own[int(images.labels[row])].add(keys[row])
    for row, other in copies.items():
        label = int(images.labels[row])
        if len(own[label]) < len(splits):
            raise SightkitError(
                f"Class {images.class_names[label]} has too few images of its own: equal images "
                f"are in class {images.class_names[images.labels[other]]} too.",
                "Remove them from the class that they do not belong to, or one of the classes.",
                own=len(own[label]),
                splits=list(splits),
                image=images.identify(row),
                equal_to=images.identify(other),
            )


def _require_classes(images: ImageSource, wanted: np.ndarray, rows: np.ndarray, split: str) -> None:
    """Raise unless some rows have an image of each label that is wanted."""
    missing = np.setdiff1d(wanted, images.labels[rows])
    if len(missing):
        raise SightkitError(
            "Each class of a split must have an image that can be used.",
            "Fix or replace its images, or remove the class.",
            split=split,
            classes=[images.class_names[label] for label in missing],
        )
