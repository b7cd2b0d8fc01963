"""The part of the data that one of several processes reads."""

from __future__ import annotations

from typing import Any

import keras

from sightkit.io.batches import share_of


class Share(keras.utils.PyDataset):
    """This process's part of each training batch: together the processes train on the same ones.

    Args:
        data: training data of ``fit``; of the toolkit's own, the part alone is read.
        rank: which of the processes this is.
        size: how many there are.

    Yields:
        As ``data``, with the rows n * rank // size to n * (rank + 1) // size of a batch of n; of a
        last batch with too few for each the first, which then has the weight 0.
    """

    def __init__(self, data: Any, rank: int, size: int) -> None:
        workers = getattr(data, "workers", 1)
        super().__init__(workers=workers, max_queue_size=getattr(data, "max_queue_size", 10))
        self.data, self.rank, self.size = data, rank, size
        within = getattr(data, "data", data)
        self.count = getattr(within, "count", None) or len(data.rows(0))
        self.reads_all = not hasattr(within, "share")
        if not self.reads_all:
            within.share = (rank, size)

    @property
    def batch_size(self) -> int:
        """Samples of a batch, those of all processes."""
        return self.data.batch_size

    def rows(self, epoch: int) -> Any:
        """Return the order of an epoch, that of all processes."""
        return self.data.rows(epoch)

    def set_epoch(self, epoch: int, first_batch: int = 0) -> None:
        """Let the next pass be that of an epoch, beginning with one of its batches."""
        self.data.set_epoch(epoch, first_batch)

    def on_epoch_end(self) -> None:
        """Called by Keras after each epoch, and once before the first."""
        self.data.on_epoch_end()

    def weight(self, batch: int) -> float:
        """Return the weight of the part's gradients in the mean over all parts.

        Args:
            batch: number in the whole epoch.
        """
        count = min(self.batch_size, self.count - batch * self.batch_size)
        low, high = count * self.rank // self.size, count * (self.rank + 1) // self.size
        return self.size * (high - low) / count

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> Any:
        batch = self.data[index]
        if not self.reads_all:
            return batch
        count = len(keras.tree.flatten(batch)[0])
        part = slice(*share_of(count, self.rank, self.size))
        return keras.tree.map_structure(lambda array: array[part], batch)


class Turns(keras.utils.PyDataset):
    """Whole batches of the validation data in turn: of the first process the first, and so on.

    Args:
        data: batches by index.
        rank: which of the processes this is.
        size: how many there are, at most as many as batches.
    """

    def __init__(self, data: Any, rank: int, size: int) -> None:
        super().__init__()
        self.data, self.rank, self.size = data, rank, size

    def __len__(self) -> int:
        return len(range(self.rank, len(self.data), self.size))

    def __getitem__(self, index: int) -> Any:
        return self.data[self.rank + index * self.size]
