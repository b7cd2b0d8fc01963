"""A source of labelled images: what a data set is before it becomes an HDF5 file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ImageSource:
    """Labelled images by index; they may be in memory or be read when needed.

    Attributes:
        name: of the data set.
        class_names: sorted as the labels count them.
        labels: int64 (N,), indices into ``class_names``.
        read: index to image, uint8 (H, W, 1 or 3).
        identify: index to the name of the image's origin.
        fixed: splits that the data set itself defines, name to indices; may be empty.
        left_out: name and reason of files beside the images that were not taken.
        lost: how many of these, the first ones, are images that nobody excluded.
    """

    name: str
    class_names: tuple[str, ...]
    labels: np.ndarray
    read: Callable[[int], np.ndarray]
    identify: Callable[[int], str]
    fixed: tuple[tuple[str, np.ndarray], ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    lost: int = 0

    def __len__(self) -> int:
        return len(self.labels)


def in_memory(
    name: str,
    images: np.ndarray,
    labels: np.ndarray,
    class_names: Sequence[str],
    train: int | None = None,
) -> ImageSource:
    """A source of images (N, H, W, C); if ``train`` is given, so many train, the rest test."""
    rows = np.arange(len(labels))
    return ImageSource(
        name=name,
        class_names=tuple(class_names),
        labels=np.asarray(labels, np.int64),
        read=lambda row: images[row],
        identify=lambda row: f"{name}/{row}",
        fixed=(("train", rows[:train]), ("test", rows[train:])) if train is not None else (),
    )
