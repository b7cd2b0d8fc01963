"""Batches of captchas for ``training.fit``: order and variation are functions of seed and epoch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sightkit.apps.captcha.recombined import CharacterPool
from sightkit.io.batches import ArrayBatches
from sightkit.io.order import sample_rng
from sightkit.preprocessing import Augment, ImageToArrayPreprocessor

VARIATION = Augment(
    rotation=7,
    translation=0.06,
    shear=10,
    zoom=0.1,
    brightness=0.05,
    contrast=0.1,
)
"""Of training pictures, recombined ones too."""
RECOMBINED = 0.5
"""Share of the training pictures of an epoch that are put together anew."""


class TextBatches(ArrayBatches):
    """Pictures with their encoded texts, scaled to 0–1; those of the training varied.

    Args:
        images: uint8 (N, height, width, channels), of the network's size.
        targets: int64 (N, longest), see ``encode``.
        batch_size: pictures a batch.
        lengths: (N,), those of the texts, of training pictures: they are mixed, and recombined or
            varied anew each epoch, each by (seed, epoch, picture).
        seed: of order, recombination and variation.

    Yields:
        (x, y): float32 (n, height, width, channels); int64 (n, longest).
    """

    def __init__(
        self,
        images: np.ndarray,
        targets: np.ndarray,
        *,
        batch_size: int,
        lengths: Sequence[int] = (),
        seed: int = 0,
    ) -> None:
        shuffle = bool(lengths)
        super().__init__(images, targets, batch_size=batch_size, shuffle=shuffle, seed=seed)
        self.lengths = tuple(lengths)
        self.pool = CharacterPool.of(
            images if shuffle else images[:0],
            [row[:length] for row, length in zip(targets, lengths, strict=False)],
        )

    def __getitem__(self, index: int) -> tuple[np.ndarray, ...]:
        _, rows = self.batch_rows(index)
        x, y = (array[rows] for array in self.arrays)
        if self.lengths:
            rngs = [sample_rng(self.seed, self.epoch, int(row)) for row in rows]
            for k, (row, rng) in enumerate(zip(rows, rngs, strict=True)):
                if self.pool.cuts and rng.random() < RECOMBINED:
                    x[k], classes = self.pool.draw(self.lengths[row], x.shape[1:], rng)
                    y[k, : len(classes)] = classes
            x = VARIATION.batch(x, rngs)
        return ImageToArrayPreprocessor().batch(x), y
