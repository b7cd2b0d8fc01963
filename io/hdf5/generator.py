"""Read a dataset file in batches, straight into ``fit``."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping

import numpy as np

from sightkit._errors import SightkitError
from sightkit.io.batches import OrderedBatches
from sightkit.io.chain import Chain, RandomChain, require_chain
from sightkit.io.hdf5.file import DatasetFile
from sightkit.io.labels import weights_in_order
from sightkit.io.order import sample_rng

BLOCK_BYTES = 2**18
MIXED_ROWS = 8192


class HDF5DatasetGenerator(OrderedBatches):
    """Batches of one split of a dataset file, for ``fit``, ``evaluate`` and ``predict``.

    Every sample comes exactly once an epoch, the last batch may be short. The order is a pure
    function of (seed, epoch), the augmentation of (seed, epoch, sample): nothing that was drawn
    before matters, so that training can be resumed anywhere.

    Args:
        path: file that HDF5DatasetWriter wrote.
        batch_size: samples a batch, at least 1.
        split: which rows: ``"train"``, ``"validation"``, ``"test"``, …
        preprocessors: chain that turns uint8 rows into what the network takes; without one the
            rows come as they are in the file.
        augment: random variation of each image before the chain; for the training split only.
        shuffle: mix the rows anew each epoch.
        seed: of order and augmentation.
        class_weights: class index to weight, at least 0, of each class, as ``class_weights`` gives
            it.
        workers: threads that read ahead.
        max_queue_size: batches that wait at most, with several workers.

    Yields:
        (x, y), or with class weights (x, y, w): what the chain returns, (n, H, W, C); int64 (n,)
        class indices; float32 (n,).

    Raises:
        SightkitError: no or damaged file, unknown split, batch size below 1, augmentation of
            anything but the training split, weights of other classes than the file's; later, a file
            that is no longer the one it was.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        batch_size: int,
        *,
        split: str = "train",
        preprocessors: Chain | None = None,
        augment: RandomChain | None = None,
        shuffle: bool = False,
        seed: int = 0,
        class_weights: Mapping[int, float] | None = None,
        workers: int = 1,
        max_queue_size: int = 10,
    ) -> None:
        super().__init__(batch_size, shuffle, seed, workers=workers, max_queue_size=max_queue_size)
        require_chain(preprocessors=preprocessors, augment=augment)
        if augment is not None and split != "train":
            raise SightkitError(
                "Only the training split is augmented.", "Leave augment out.", split=split
            )
        self.file = DatasetFile.open(path)
        self.first, self.last = self.file.rows(split)
        self.split = split
        self.preprocessors = preprocessors
        self.augment = augment
        self.class_weights = class_weights
        self._weights = None
        if class_weights is not None:
            self._weights = weights_in_order(class_weights, len(self.class_names))
        self.count = self.last - self.first

    @property
    def labels(self) -> np.ndarray:
        """int64 (count,), in the file's order, which is that of an unshuffled epoch."""
        return self.file.labels[self.first : self.last]

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names in label order."""
        return self.file.class_names

    def images(self, rows: np.ndarray | slice) -> np.ndarray:
        """Read rows of the split as they are in the file, (n, H, W, C), without the chain."""
        if isinstance(rows, slice):
            start, stop, step = rows.indices(self.count)
            return self.file.read(slice(self.first + start, self.first + stop, step))
        return self.file.read(np.arange(self.first, self.last)[rows])

    def sources(self, rows: np.ndarray | slice) -> list[str]:
        """Return where rows of the split come from: the names of their files."""
        return np.asarray(self.file.sources()[self.first : self.last], object)[rows].tolist()

    @property
    def mixing(self) -> dict[str, int]:
        """``block`` and ``window`` of ``epoch_order``: a block is read at once."""
        row_bytes = self.file.dtype.itemsize * math.prod(self.file.shape[1:])
        block = max(16, BLOCK_BYTES // row_bytes)
        return {"block": block, "window": max(MIXED_ROWS, 32 * block)}

    def __getitem__(self, index: int) -> tuple[np.ndarray, ...]:
        epoch = self.epoch
        start, rows = self.batch_rows(index)
        x = self.images(rows if self.shuffle else slice(start, start + len(rows)))
        if self.augment is not None:
            x = self.augment.batch(x, [sample_rng(self.seed, epoch, int(row)) for row in rows])
        if self.preprocessors is not None:
            x = self.preprocessors.batch(x)
        if not x.flags.writeable:
            x = np.array(x)  # a batch is the caller's own, whatever becomes of the file
        y = self.labels[rows]
        return (x, y) if self._weights is None else (x, y, self._weights[y])
