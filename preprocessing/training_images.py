"""Take the images that a statistic may be fitted on: those of the training split alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeAlias

import numpy as np

from sightkit._errors import SightkitError
from sightkit.preprocessing.base import BYTES, check_image

CHUNK_ROWS = 256


class Split(Protocol):
    """One split of a dataset file (``io.HDF5DatasetGenerator`` fits)."""

    split: str

    @property
    def count(self) -> int:
        """Number of rows."""
        ...

    def images(self, rows: slice) -> np.ndarray:
        """Rows as they are in the file, (n, H, W, C)."""
        ...


Source: TypeAlias = Split | Iterable[np.ndarray]


def training_images(source: Source, owner: str) -> Iterator[np.ndarray]:
    """Each uint8 image (H, W, C) of a source; at least one.

    Args:
        source: a split, which must be ``"train"``; or images, alone or in batches.
        owner: the caller, for errors.
    """
    count = 0
    for item in _items(source, owner):
        for image in item if np.ndim(item) == 4 else (item,):
            count += 1
            yield check_image(image, owner, dtypes=BYTES)
    if not count:
        raise SightkitError(f"{owner} needs at least one image.", images=count)


def _items(source: Source, owner: str) -> Iterator[np.ndarray]:
    split = getattr(source, "split", None)
    if not isinstance(split, str):
        yield from source  # type: ignore[misc]
        return
    if split != "train":
        raise SightkitError(
            f"{owner} measures the training split alone: nothing of another may leak into it.",
            'Give the generator of split="train".',
            split=split,
        )
    for start in range(0, source.count, CHUNK_ROWS):  # type: ignore[union-attr]
        yield source.images(slice(start, start + CHUNK_ROWS))  # type: ignore[union-attr]
