"""Which rows of a feature file are trained on, and which are asked once, at the end."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np

from sightkit import io
from sightkit._errors import SightkitError
from sightkit.transfer.feature_file import Features

COPY = 1e-5
"""Relative difference up to which features are of the same picture."""


def split_rows(
    features: Features, test_fraction: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Rows to train on, and rows to test on: int64, rising.

    A file with a split called ``test`` keeps it, and all others are trained on. Any other file is
    divided, each class in the same proportions; copies of a picture, which have the same features,
    stay on one side.

    Args:
        features: from ``open_features``.
        test_fraction: share of the test rows, where the file has none.
        seed: of the division.

    Raises:
        SightkitError: a share that is none, or a class with fewer than two different pictures.
    """
    rows = np.arange(features.shape[0])
    if "test" in features.splits:
        first, last = features.splits["test"]
        inside = (rows >= first) & (rows < last)
        return rows[~inside], rows[inside]
    if not 0 < test_fraction < 1:
        raise SightkitError(
            "The share of test photos must lie between 0 and 1.",
            "Give --test-fraction 0.25.",
            test_fraction=test_fraction,
        )
    groups = copies(features)
    number = len(rows) - len(np.unique(groups))
    if number:
        print(
            f"{number:,} photos have the features of another one: copies stay on one side of the "
            "split.",
            file=sys.stderr,
        )
    labelled = np.unique(np.stack([groups, features.labels], axis=1), axis=0)
    if other := len(labelled) - len(np.unique(groups)):
        print(
            f"{other:,} of them have another class than their copy: scripts/suspicious_labels.py "
            "and scripts/verify_dataset.py name them.",
            file=sys.stderr,
        )
    parts = io.split(
        features.labels,
        {"train": 1 - test_fraction, "test": test_fraction},
        seed=seed,
        groups=groups.tolist(),
        class_names=features.class_names,
    )
    return np.sort(parts["train"]), np.sort(parts["test"])


def copies(features: Features) -> np.ndarray:
    """For each row the first row with the same features: int64 (N,).

    Rows are sorted by a sum with random weights, so that only neighbours need to be compared.
    """
    count, dimensions = features.shape
    weights = np.random.default_rng(0).normal(size=dimensions)
    keys, lengths = np.zeros(count), np.zeros(count)
    for rows, block in features.blocks():
        keys[rows] = block @ weights
        lengths[rows] = np.linalg.norm(block, axis=1)
    first = np.arange(count)
    for one, other in _neighbours(keys, lengths):
        a, b = (features.take(slice(row, row + 1))[0] for row in (one, other))
        if np.abs(a - b).max() <= COPY * max(np.abs(a).max(), 1e-12):
            first[other] = first[one]
    return first


def _neighbours(keys: np.ndarray, lengths: np.ndarray) -> Iterator[tuple[int, int]]:
    """Pairs of rows whose keys are nearly the same, in the order of their keys."""
    order = np.argsort(keys, kind="stable")
    near = np.diff(keys[order]) <= 30 * COPY * np.maximum(lengths[order[:-1]], 1e-12)
    for position in np.flatnonzero(near):
        yield int(order[position]), int(order[position + 1])


def constant_features(features: Features, rows: np.ndarray) -> int:
    """How many features say nothing, because they are the same for all of some rows."""
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


def available_memory() -> int:
    """Bytes that this process may take: what the system says is free, in a container its share."""
    free = 2**40
    for path in ("/proc/meminfo",):
        try:
            with open(path, encoding="ascii") as file:
                lines = {line.split(":")[0]: line.split()[1] for line in file}
            free = int(lines["MemAvailable"]) * 1024
        except (OSError, KeyError, ValueError):
            continue
    for limit, used in (
        ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
        (
            "/sys/fs/cgroup/memory/memory.limit_in_bytes",
            "/sys/fs/cgroup/memory/memory.usage_in_bytes",
        ),
    ):
        try:
            with open(limit, encoding="ascii") as most, open(used, encoding="ascii") as now:
                free = min(free, int(most.read()) - int(now.read()))
        except (OSError, ValueError):
            continue
    return max(free, 0)
