"""Patches of pictures with their enlargements, as batches that ``training.fit`` resumes exactly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from sightkit._arrays import sha256_of
from sightkit.apps.generative.upscaler_setup import require_patch
from sightkit.io import ArrayBatches, sample_rng
from sightkit.io.batches import OrderedBatches


class Pairing(Protocol):
    """What a picture teaches: an ``UpscalerSetup``, for example."""

    @property
    def factor(self) -> int:
        """What both sides of a patch are multiples of."""
        ...

    @property
    def scale(self) -> int:
        """Sides of a target by those of its input, less the halo."""
        ...

    @property
    def halo(self) -> int:
        """Pixels at each edge of an input that its target lacks."""
        ...

    def pair(self, photo: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return input and target of a photo, uint8 (H, W, 3): float32 (H, W, C) each."""
        ...


class PatchBatches(OrderedBatches):
    """Patches from any place of some pictures, turned and mirrored.

    Place and turn of a patch are functions of (seed, epoch, patch). A picture gives patches by its
    area.

    Args:
        pictures: uint8 (H, W, 3) RGB, each at least as large as a patch.
        setup: input and target of a picture.
        patch: side of the targets, pixels, a multiple of the factor.
        count: patches an epoch.
        batch_size: patches a batch.
        augment: turn and mirror at random.
        seed: of places, turns and order.

    Yields:
        (x, y): the network's input, float32 (n, H, W, C), and float32 (n, patch, patch, C), 0-1.

    Raises:
        SightkitError: no pictures, a patch that is no multiple of the factor, or a picture that is
            smaller.
    """

    def __init__(
        self,
        pictures: Sequence[np.ndarray],
        setup: Pairing,
        *,
        patch: int,
        count: int,
        batch_size: int,
        augment: bool = True,
        seed: int = 0,
    ) -> None:
        super().__init__(batch_size, shuffle=False, seed=seed)  # places are drawn: nothing to mix
        require_patch(pictures, setup.factor, patch)
        self.setup, self.patch, self.count, self.augment = setup, patch, count, augment
        self.pairs = [setup.pair(picture) for picture in pictures]
        areas = np.array([y.shape[0] * y.shape[1] for _, y in self.pairs], np.float64)
        self.shares = np.cumsum(areas) / areas.sum()

    @property
    def sha256(self) -> str:
        """SHA-256 of the pictures' planes: the identity of the data."""
        return sha256_of(("", y) for _, y in self.pairs)

    def sample(self, row: int, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """Return a patch as it is in an epoch."""
        rng = sample_rng(self.seed, epoch, row)
        x, y = self.pairs[int(np.searchsorted(self.shares, rng.random(), side="right"))]
        places = [(side - self.patch) // self.setup.scale + 1 for side in y.shape[:2]]
        x, y = cut_patch(x, y, self.setup, self.patch, *rng.integers(places))
        return turned(x, y, int(rng.integers(8))) if self.augment else (x, y)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        _, rows = self.batch_rows(index)
        x, y = zip(*(self.sample(int(row), self.epoch) for row in rows), strict=True)
        return np.stack(x), np.stack(y)


def grid_batches(
    pictures: Sequence[np.ndarray], setup: Pairing, *, patch: int, batch_size: int
) -> ArrayBatches:
    """Return all patches of pictures side by side, for validation; what is over is left out.

    Raises:
        SightkitError: as ``PatchBatches``.
    """
    require_patch(pictures, setup.factor, patch)
    found = []
    for x, y in map(setup.pair, pictures):
        rows, columns = ((side - patch) // patch + 1 for side in y.shape[:2])
        step = patch // setup.scale
        places = [(row * step, column * step) for row in range(rows) for column in range(columns)]
        found += [cut_patch(x, y, setup, patch, *place) for place in places]
    x, y = (np.stack(arrays) for arrays in zip(*found, strict=True))
    return ArrayBatches(x, y, batch_size=batch_size, name="validation patches")


def cut_patch(
    x: np.ndarray, y: np.ndarray, setup: Pairing, patch: int, row: int, column: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the patch of a pair (``Pairing.pair``) at a place of its input."""
    side = patch // setup.scale + 2 * setup.halo
    top, left = row * setup.scale, column * setup.scale
    return x[row : row + side, column : column + side], y[top : top + patch, left : left + patch]


def turned(x: np.ndarray, y: np.ndarray, way: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a square pair in one of eight ways: mirrored or not, by four quarter turns."""
    if way >= 4:
        x, y = x[:, ::-1], y[:, ::-1]
    return np.rot90(x, way % 4), np.rot90(y, way % 4)
