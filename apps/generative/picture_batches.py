"""Batches of pictures for ``training.fit``, in the range that a network takes."""

from __future__ import annotations

import numpy as np

from sightkit.apps.generative.pixel_range import to_floats
from sightkit.io import ArrayBatches


class PictureBatches(ArrayBatches):
    """Pictures as floats in [-1, 1], as the hyperbolic tangent of a generator gives them.

    Args:
        images: uint8 (N, H, W, C).
        batch_size: pictures a batch.
        shuffle: mix them anew each epoch.
        seed: of the order.

    Yields:
        (x, y): float32 (n, H, W, C) in [-1, 1]; float32 (n, 1) of ones, for all are real.
    """

    def __init__(
        self, images: np.ndarray, *, batch_size: int, shuffle: bool = False, seed: int = 0
    ) -> None:
        real = np.ones((len(images), 1), np.float32)
        super().__init__(images, real, batch_size=batch_size, shuffle=shuffle, seed=seed)

    def __getitem__(self, index: int) -> tuple[np.ndarray, ...]:
        images, real = super().__getitem__(index)
        return to_floats(images), real


class LabelledBatches(ArrayBatches):
    """Pictures as floats in [0, 1] with their labels, for a classifier.

    Args:
        images: uint8 (N, H, W, C).
        labels: int64 (N,).
        batch_size: pictures a batch.
        shuffle: mix them anew each epoch.
        seed: of the order.

    Yields:
        (x, y): float32 (n, H, W, C) in [0, 1]; int64 (n,).
    """

    def __getitem__(self, index: int) -> tuple[np.ndarray, ...]:
        images, labels = super().__getitem__(index)
        return np.multiply(images, np.float32(1 / 255), dtype=np.float32), labels
