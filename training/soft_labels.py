"""Labels as shares of the classes: one-hot, smoothed, mixed, weighted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from sightkit import io as sightkit_io
from sightkit._errors import SightkitError
from sightkit.io.labels import weights_in_order
from sightkit.training.mixing import Mixing


class SoftLabels(keras.utils.PyDataset):
    """Batches of a generator, with labels for ``categorical_crossentropy`` in place of indices.

    Wrap the validation data too, without options, so that both have labels of one form; the
    generators themselves are what ``evaluation`` takes.

    Args:
        data: ``io.HDF5DatasetGenerator``, or data with its ``epoch``, ``set_epoch``, ``rows``,
            ``batch_size`` and batches (x, int64 (n,)).
        classes: number of classes.
        mixing: ``MixUp`` or ``CutMix``; for training data only.
        smoothing: share of each label that is spread evenly over all classes, 0 to below 1.
        class_weights: class index to weight, as ``io.class_weights`` gives it, those of ``data`` by
            default; an image counts with the mean of the weights of its label's shares before
            smoothing.
        seed: of the mixing.
        **options: ``workers``, ``max_queue_size`` of ``keras.utils.PyDataset``.

    Yields:
        (x, y), or with class weights (x, y, w): x as in ``data``, y float32 (n, classes), each row
        with the sum 1, w float32 (n,).

    Raises:
        SightkitError: a number out of range, or mixing of data that is not for training.
    """

    def __init__(
        self,
        data: Any,
        classes: int,
        *,
        mixing: Mixing | None = None,
        smoothing: float = 0.0,
        class_weights: Mapping[int, float] | None = None,
        seed: int = 0,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        if not (classes >= 2 and 0 <= smoothing < 1 and seed >= 0):
            raise SightkitError(
                "SoftLabels needs classes >= 2, 0 <= smoothing < 1 and seed >= 0.",
                classes=classes,
                smoothing=smoothing,
                seed=seed,
            )
        split = getattr(data, "split", "train")
        if mixing is not None and split != "train":
            raise SightkitError(
                "Only the training split is mixed.", "Leave mixing out.", split=split
            )
        self.data = data
        self.classes = classes
        self.mixing = mixing
        self.smoothing = smoothing
        given = getattr(data, "class_weights", None) if class_weights is None else class_weights
        self.weights = None if given is None else weights_in_order(given, classes)
        self.seed = seed
        self._first_batch = 0

    @property
    def batch_size(self) -> int:
        """Samples a batch."""
        return self.data.batch_size

    def rows(self, epoch: int) -> np.ndarray:
        """Return the order of an epoch: positions in the split."""
        return self.data.rows(epoch)

    def set_epoch(self, epoch: int, first_batch: int = 0) -> None:
        """Let the next pass be that of an epoch, beginning with one of its batches."""
        self.data.set_epoch(epoch, first_batch)
        self._first_batch = first_batch

    def on_epoch_end(self) -> None:
        """Begin at the first batch again; Keras calls it after each epoch, and before the first."""
        self.data.on_epoch_end()
        self._first_batch = 0

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[np.ndarray, ...]:
        x, labels, *_ = self.data[index]  # the generator's own weights are those below
        y = sightkit_io.one_hot(labels, self.classes)
        if self.mixing is not None:
            batch = self._first_batch + index
            x, y = self.mixing(x, y, sightkit_io.batch_rng(self.seed, self.data.epoch, batch))
        smooth = y * np.float32(1 - self.smoothing) + np.float32(self.smoothing / self.classes)
        return (x, smooth) if self.weights is None else (x, smooth, y @ self.weights)
