"""Samples for preflight, read as the network will see them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from sightkit.io.labels import are_shares
from sightkit.training.soft_labels import SoftLabels

BATCHES = 12
SECONDS = 1.0
BYTES = 2**27


@dataclass(frozen=True)
class Samples:
    """Some samples of one split, after chain and augmentation.

    Attributes:
        images: (n, …).
        labels: (n, …), as the loss gets them.
        all_labels: labels of the whole split where the data have them, also under soft ones, else
            those of the samples.
        complete: whether ``all_labels`` holds the whole split.
        class_names: in label order; empty where the data have none.
        data: where they come from, within soft labels.
    """

    images: np.ndarray
    labels: np.ndarray
    all_labels: np.ndarray
    complete: bool
    class_names: tuple[str, ...]
    data: Any


def read(data: Any) -> Samples | None:
    """Read batches that are spread over an epoch, for about a second.

    Args:
        data: batches by index, or a pair of arrays, as Keras' ``fit`` takes them.

    Returns:
        The samples; None where there are none that could be read by index.
    """
    images, labels = [], []
    size = 0
    for x, y in _spread(data):
        images.append(x)
        labels.append(y)
        size += x.nbytes
        if size > BYTES:
            break
    if not images:
        return None
    found, inner = np.concatenate(labels), within(data)
    every = getattr(inner, "labels", None)
    complete = every is not None and np.ndim(every) == 1
    return Samples(
        images=np.concatenate(images),
        labels=found,
        all_labels=np.asarray(every) if complete else found,
        complete=complete or isinstance(data, tuple),
        class_names=tuple(getattr(inner, "class_names", ())),
        data=inner,
    )


def within(data: Any) -> Any:
    """Return the data that soft labels are made of; others as they are."""
    return data.data if isinstance(data, SoftLabels) else data


def some(samples: Samples, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return up to ``count`` different images, as equally from all classes as may be."""
    images = samples.images.reshape(len(samples.images), -1)
    classes = class_indices(samples.labels)
    turns: dict[int, int] = {}
    seen: set[bytes] = set()
    ranked = []
    for row, kind in enumerate(classes):
        key = images[row].tobytes()
        if key not in seen:
            seen.add(key)
            turns[kind] = turns.get(kind, 0) + 1
            ranked.append((turns[kind], row))
    rows = [row for _, row in sorted(ranked)[:count]]
    return samples.images[rows], samples.labels[rows]


def have_one_class(labels: np.ndarray) -> bool:
    """Whether each image has one class: an index, or shares of classes with the sum 1."""
    return labels.ndim != 2 or labels.shape[1] == 1 or are_shares(labels)


def class_indices(labels: np.ndarray) -> list[int]:
    """Return a class a label: of one-hot rows the largest; 0 for targets that are no classes."""
    if labels.ndim == 1 or (labels.ndim == 2 and labels.shape[1] == 1):
        return np.nan_to_num(labels.ravel(), posinf=0, neginf=0).astype(np.int64).tolist()
    if labels.ndim == 2:
        return [int(label) for label in labels.argmax(axis=1)]
    return [0] * len(labels)


def _spread(data: Any) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield batches for a second; the first one even if it takes long."""
    if isinstance(data, tuple):
        x, y = (np.asarray(part) for part in data[:2])
        rows = np.unique(np.linspace(0, len(x) - 1, min(len(x), 1024)).astype(int))
        yield x[rows], y[rows]
        return
    if not (hasattr(data, "__getitem__") and hasattr(data, "__len__")):
        return
    end = time.monotonic() + SECONDS
    for index in np.unique(np.linspace(0, len(data) - 1, min(len(data), BATCHES)).astype(int)):
        batch = data[int(index)]
        if not isinstance(batch, tuple) or len(batch) < 2 or not hasattr(batch[0], "shape"):
            return
        yield np.asarray(batch[0]), np.asarray(batch[1])
        if time.monotonic() > end:
            return
