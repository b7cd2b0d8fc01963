"""Batches whose order is a function of seed and epoch: the base of the generator, and arrays."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from sightkit._arrays import sha256_of
from sightkit._errors import SightkitError
from sightkit.io.arguments import whole_number
from sightkit.io.order import epoch_order

BEFORE_FIT = -1


class OrderedBatches(keras.utils.PyDataset):
    """Base of data that ``training.fit`` can resume at any batch of any epoch.

    A subclass has ``count`` and ``__getitem__``, which asks ``batch_rows`` for the rows of a batch.

    Args:
        batch_size: samples a batch, at least 1.
        shuffle: mix the rows anew each epoch.
        seed: of the order.
        **options: ``workers``, ``max_queue_size`` of ``keras.utils.PyDataset``.
    """

    count: int
    """Samples."""
    share = (0, 1)
    """Which part of each batch is read, of how many: of several processes each reads one."""

    def __init__(self, batch_size: int, shuffle: bool, seed: int, **options: Any) -> None:
        super().__init__(**options)
        self.batch_size = whole_number("batch_size", batch_size, at_least=1)
        self.shuffle = shuffle
        self.seed = whole_number("seed", seed, at_least=0)
        self._epoch = BEFORE_FIT
        self._first_batch = 0
        self._order: tuple[int, np.ndarray] | None = None

    @property
    def mixing(self) -> dict[str, int]:
        """``block`` and ``window`` of ``epoch_order``: rows in memory are mixed one by one."""
        return {"block": 1, "window": self.count}

    def rows(self, epoch: int) -> np.ndarray:
        """The order of an epoch: int64 (count,), positions."""
        if not self.shuffle:
            return np.arange(self.count)
        return epoch_order(self.count, seed=self.seed, epoch=epoch, **self.mixing)

    @property
    def epoch(self) -> int:
        """The epoch, from 0, whose order and augmentation the batches have."""
        return max(self._epoch, 0)

    def set_epoch(self, epoch: int, first_batch: int = 0) -> None:
        """Let the next pass be that of an epoch, beginning with one of its batches.

        ``training.fit`` calls it, so that it can resume; until the pass ends, the length is that
        of what is left.
        """
        self._epoch = whole_number("epoch", epoch, at_least=BEFORE_FIT)
        self._first_batch = whole_number("first_batch", first_batch, at_least=0)

    def on_epoch_end(self) -> None:
        """Called by Keras after each epoch, and once before the first: take the next order.

        Not ``on_epoch_begin``: with several workers Keras starts reading before it calls that.
        """
        self._epoch += 1
        self._first_batch = 0

    def batch_rows(self, index: int) -> tuple[int, np.ndarray]:
        """Where a batch begins in the order of the epoch, and the positions of its rows.

        Of several processes it is what this one reads of it.
        """
        epoch = self.epoch
        if self._order is None or self._order[0] != epoch:
            self._order = (epoch, self.rows(epoch))
        start = (self._first_batch + index) * self.batch_size
        rows = self._order[1][start : start + self.batch_size]
        low, high = share_of(len(rows), *self.share)
        return start + low, rows[low:high]

    def __len__(self) -> int:
        return -(-self.count // self.batch_size) - self._first_batch


def share_of(count: int, rank: int, size: int) -> tuple[int, int]:
    """Return first and last, exclusive, of a part's samples; the first where none is left for it.

    Args:
        count: of samples.
        rank: which part, from 0.
        size: how many parts.
    """
    low, high = count * rank // size, count * (rank + 1) // size
    return (low, high) if high > low else (0, 1)


class ArrayBatches(OrderedBatches):
    """Batches of arrays in memory; ``training.fit`` makes them of (x, y).

    Args:
        *arrays: images (n, …), labels (n, …), and perhaps weights (n,); each becomes a NumPy array.
        batch_size: samples a batch, at least 1.
        shuffle: mix the samples anew each epoch.
        seed: of the order.
        name: of the data, for errors.

    Yields:
        The rows of each array.

    Raises:
        SightkitError: other than two or three arrays, no samples, or different numbers of them.
    """

    def __init__(
        self,
        *arrays: Any,
        batch_size: int = 32,
        shuffle: bool = False,
        seed: int = 0,
        name: str = "data",
    ) -> None:
        super().__init__(batch_size, shuffle, seed)
        self.arrays = tuple(map(_as_array, arrays))
        shapes = [array.shape for array in self.arrays]
        counts = {shape[0] if shape else 0 for shape in shapes}
        if len(shapes) not in (2, 3) or len(counts) != 1 or counts == {0}:
            raise SightkitError(
                f"{name} must be arrays (images, labels), or (images, labels, weights), with a row "
                "for each image.",
                "Look at their shapes.",
                shapes=shapes,
            )
        if any(array.dtype.kind not in "biuf" for array in self.arrays):
            raise SightkitError(
                f"{name} must be numbers.",
                "io.encode_labels(names) gives the indices of class names; images have one size.",
                dtypes=[str(array.dtype) for array in self.arrays],
            )
        self.count = len(self.arrays[0])

    @property
    def labels(self) -> np.ndarray:
        """The second array, in stored order."""
        return self.arrays[1]

    @property
    def sha256(self) -> str:
        """SHA-256 of shapes, dtypes and bytes: the identity of the data."""
        return sha256_of(("", array) for array in self.arrays)

    def images(self, rows: np.ndarray | slice) -> np.ndarray:
        """The images of some positions."""
        return self.arrays[0][rows]

    def __getitem__(self, index: int) -> tuple[np.ndarray, ...]:
        _, rows = self.batch_rows(index)
        return tuple(array[rows] for array in self.arrays)


def _as_array(value: Any) -> np.ndarray:
    """Return a value as an array; of rows that differ in shape as one of objects."""
    try:
        return np.asarray(value)
    except ValueError:
        return np.array([None] * len(value))
