"""Rows of a feature file for training and for the test, and copies of a picture among them."""

from __future__ import annotations

import numpy as np

from sightkit import io
from sightkit._errors import SightkitError
from sightkit._scripts import warn
from sightkit.transfer.feature_file import Features

TRAINED = ("train", "validation")
COPY = 1e-5
"""Relative difference up to which features are of the same picture."""


def split_rows(
    features: Features,
    test_fraction: float,
    seed: int,
    groups: np.ndarray | None = None,
    split: str = "test",
) -> tuple[np.ndarray, np.ndarray]:
    """Return rows to train on, and rows to test on: int64, in ``features.order``.

    A file with a split called ``test`` keeps it, and train and validation are trained on, without
    the groups that are in it. Any other file is divided, each class in the same proportions;
    groups, and copies of a picture, which have the same features, stay on one side. Splits of other
    names are neither trained on nor tested.

    Args:
        features: from ``open_features``.
        test_fraction: share of the test rows, where the file has none.
        seed: of the division.
        groups: those of ``groups_of``.
        split: that is tested in place of ``test``; ``test`` is then neither trained on.

    Raises:
        SightkitError: no such split, a share outside 0 to 1, or a class with fewer than two
            different pictures.
    """
    rows = features.order
    apart = {n: ends for n, ends in features.splits.items() if n not in (*TRAINED, split)}
    if apart:
        rows = rows[~np.isin(rows, np.concatenate([np.arange(*ends) for ends in apart.values()]))]
        warn(
            f"{features.shape[0] - len(rows):,} photos, those of {', '.join(apart)}, are neither "
            "trained on nor tested."
        )
    if split != "test" or split in features.splits:
        return _stored_split(features, rows, split, groups)
    if not 0 < test_fraction < 1:
        raise SightkitError(
            "The share of test photos must be between 0 and 1.",
            "Give --test-fraction 0.25.",
            test_fraction=test_fraction,
        )
    same = copies(features)
    _report_copies(same, features.labels)
    together = [same[rows].tolist()]
    labels = features.labels[rows]
    if groups is None:
        io.report_ungrouped(features.sources(), features.labels)
    else:
        together.append(groups[rows].tolist())
        io.require_divisible(together[1], labels, features.class_names, 2)
    joined = io.joined(*together)
    pictures = [len(np.unique(joined[labels == k])) for k in range(len(features.class_names))]
    if min(pictures) < 2:
        raise SightkitError(
            "Each class needs two different photos, one to train on and one to test.",
            (
                "add photos of it",
                "extract without it, by scripts/extract_features.py --exclude NAME",
            ),
            too_few={features.class_names[k]: n for k, n in enumerate(pictures) if n < 2},
        )
    fractions = {"train": 1 - test_fraction, "test": test_fraction}
    parts = io.split(
        labels, fractions, seed=seed, groups=joined.tolist(), class_names=features.class_names
    )
    return rows[np.sort(parts["train"])], rows[np.sort(parts["test"])]


def _stored_split(
    features: Features, rows: np.ndarray, split: str, groups: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    first, last = features.files[0].rows(split)
    test = (rows >= first) & (rows < last)
    shared = np.zeros(len(rows), bool)
    if groups is not None:
        shared = ~test & np.isin(groups[rows], groups[first:last])
    if count := int(shared.sum()):
        warn(f"{count:,} training photos are of groups in the test split: they are left out.")
    return rows[~test & ~shared], rows[test]


def _report_copies(same: np.ndarray, labels: np.ndarray) -> None:
    """Report rows that are copies of others, and those with another label than their copy."""
    pictures = len(np.unique(same))
    if number := len(same) - pictures:
        warn(
            f"{number:,} photos have the features of another one: copies stay on one side of the "
            "split."
        )
    if other := len(np.unique(np.stack([same, labels], axis=1), axis=0)) - pictures:
        warn(
            f"{other:,} of them have another class than their copy: scripts/suspicious_labels.py "
            "and scripts/verify_dataset.py name them."
        )


def groups_of(features: Features, rule: str | None) -> np.ndarray | None:
    """Return the name of each row's group, (N,): by a rule, or those of the file; None if none.

    Args:
        features: from ``open_features``.
        rule: see ``io.Grouping``.
    """
    sources, stored = features.sources(), features.groups
    if rule is not None:
        return np.array(io.Grouping(rule)(sources), object)
    if stored is None:
        return None
    _, first, number = np.unique(stored, return_index=True, return_inverse=True)
    return np.array([f"that of {sources[first[each]]}" for each in number], object)


def copies(features: Features) -> np.ndarray:
    """Return for each row the first row with the same features: int64 (N,).

    Rows are sorted by a sum with random weights, so that only neighbours need to be compared.
    """
    count, dimensions = features.shape
    weights = np.random.default_rng(0).normal(size=dimensions)
    keys, lengths = np.zeros(count), np.zeros(count)
    for rows, block in features.blocks():
        keys[rows] = block @ weights
        lengths[rows] = np.linalg.norm(block, axis=1)
    first = np.arange(count)
    order = np.argsort(keys, kind="stable")
    near = np.diff(keys[order]) <= 30 * COPY * np.maximum(lengths[order[:-1]], 1e-12)
    for position in np.flatnonzero(near):
        one, other = order[position : position + 2].tolist()
        a, b = (features.take(slice(row, row + 1))[0] for row in (one, other))
        if np.abs(a - b).max() <= COPY * max(np.abs(a).max(), 1e-12):
            first[other] = first[one]
    return first


def constant_features(features: Features, rows: np.ndarray) -> int:
    """Return the number of features that are the same for all of some rows."""
    low = np.full(features.shape[1], np.inf)
    high = np.full(features.shape[1], -np.inf)
    taken = np.zeros(features.shape[0], bool)
    taken[rows] = True
    for part, block in features.blocks():
        block = block[taken[part]]
        if len(block):
            low = np.minimum(low, block.min(axis=0))
            high = np.maximum(high, block.max(axis=0))
    return int((low == high).sum())
