"""Some pictures of a folder or a dataset file, taken at random, for a quick look."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sightkit import io
from sightkit._errors import SightkitError
from sightkit.io.folder_dataset import Layout

SEPARABLE = 2
"""Pictures of a class that come first: one to learn from, one to be held out."""


@dataclass(frozen=True)
class Sample:
    """Pictures and what they are a part of.

    Attributes:
        images: uint8 (H, W, 3), RGB, or (H, W, 1), of any sizes.
        labels: int64, one a picture.
        class_names: in label order.
        total: how many pictures there are in all.
    """

    images: list[np.ndarray]
    labels: np.ndarray
    class_names: tuple[str, ...]
    total: int


def draw_sample(data: Path, count: int, *, layout: Layout = "folders", seed: int = 0) -> Sample:
    """Read some pictures at random, two of each class first, then each class by its share.

    A file that cannot be read is named on stderr, and left out.

    Args:
        data: folder of pictures, or a dataset file.
        count: how many.
        layout: where the class of a picture stands, see ``io.FolderDataset``.
        seed: of the choice.

    Raises:
        SightkitError: neither folder nor file, fewer than two classes, or no picture that can be
            read.
    """
    if data.is_dir():
        source = io.FolderDataset(data, layout)()
        labels, names = source.labels, source.class_names
    elif data.is_file():
        file = io.DatasetFile.open(data)
        labels, names = file.labels, file.class_names
        rows = file.memmap()
    else:
        raise SightkitError(
            "--data must name a folder of photos, or a dataset file (.h5).",
            "Give one folder a class: PHOTOS/cats/1.jpg, PHOTOS/dogs/1.jpg.",
            data=str(data),
        )
    images, kept = [], []
    for row in _chosen(labels, count, seed):
        try:
            images.append(source.read(row) if data.is_dir() else np.array(rows[row]))
        except SightkitError as error:
            print(error, file=sys.stderr)
        else:
            kept.append(row)
    if not images:
        raise SightkitError("None of the pictures looked at can be read.", data=str(data))
    return Sample(images, labels[kept], names, len(labels))


def _chosen(labels: np.ndarray, count: int, seed: int) -> list[int]:
    """Rows, ascending."""
    order = np.random.default_rng(seed).permutation(len(labels))
    place = np.empty(len(labels))
    for label in np.unique(labels):
        rows = order[labels[order] == label]
        place[rows] = np.arange(1, len(rows) + 1) / len(rows)
        place[rows[:SEPARABLE]] = 0
    return sorted(int(row) for row in order[np.argsort(place[order], kind="stable")][:count])
