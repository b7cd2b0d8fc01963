"""Pictures and masks as batches that ``training.fit`` resumes exactly; patches of them, too."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from sightkit import io as sightkit_io
from sightkit.apps.generative.mask_classes import IGNORED
from sightkit.apps.generative.segmentation_pairs import SegmentationPairs
from sightkit.io.batches import OrderedBatches
from sightkit.preprocessing import Augment, Preprocessor, SimplePreprocessor

LARGER = 2
"""Times the network's input that a stored picture may be: a view is half of its side at least."""
STRETCH = 1.2
"""Most that a view's sides differ from those of the picture."""
LIGHT = Augment(brightness=0.1, contrast=0.2)
"""Of training pictures, after a view is cut out of them and perhaps mirrored."""


class SegmentationBatches(OrderedBatches):
    """Pictures with the class of each of their pixels, resized to the network's input.

    All are decoded once and held as uint8, at most twice as large as the input.

    Args:
        pairs: of one split.
        size: height and width of the network's input.
        pixels: what the network needs of a uint8 picture of this size.
        batch_size: pictures a batch.
        views: passes through each picture an epoch, each with other views; of training pictures,
            which are mixed and varied. 0: each picture once, as it is.
        seed: of order and variation.

    Yields:
        (x, y): float32 (n, H, W, C); int64 (n, H, W), the number of classes where nothing counts.
    """

    def __init__(
        self,
        pairs: SegmentationPairs,
        size: tuple[int, int],
        pixels: Preprocessor,
        batch_size: int,
        *,
        views: int = 0,
        seed: int = 0,
    ) -> None:
        super().__init__(batch_size, views > 0, seed)
        self.count = len(pairs) * max(1, views)
        self.size, self.pixels, self.varied = size, pixels, views > 0
        self.classes = len(pairs.classes.names)
        self.images: list[np.ndarray] = []
        self.labels: list[np.ndarray] = []
        for row in range(len(pairs)):
            image, labels = pairs.image(row), pairs.labels(row)
            high, wide = (min(o, LARGER * n) for o, n in zip(labels.shape, size, strict=True))
            self.images.append(SimplePreprocessor(wide, high)(image))
            self.labels.append(cv2.resize(labels, (wide, high), interpolation=cv2.INTER_NEAREST))

    def sample(self, row: int, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """Return a picture as it is in an epoch, uint8 (H, W, 3), and its labels, uint8 (H, W)."""
        which = row % len(self.images)
        image, labels = self.images[which], self.labels[which]
        if self.varied:
            rng = sightkit_io.sample_rng(self.seed, epoch, row)
            image, labels = view_of(image, labels, rng)
            image = LIGHT.batch(image[None], [rng])[0]
        high, wide = self.size
        labels = cv2.resize(labels, (wide, high), interpolation=cv2.INTER_NEAREST)
        return SimplePreprocessor(wide, high)(image), labels

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        _, rows = self.batch_rows(index)
        samples = [self.sample(int(row), self.epoch) for row in rows]
        y = np.stack([labels for _, labels in samples]).astype(np.int64)
        y[y == IGNORED] = self.classes
        return self.pixels.batch(np.stack([image for image, _ in samples])), y


class PatchBatches(OrderedBatches):
    """Patches with the class of the pixel in their middle: how classifiers were made to segment.

    Args:
        pairs: of one split.
        size: (height, width) that pictures have when patches are cut out of them.
        side: of a patch, pixels.
        pixels: what the network needs of a uint8 patch.
        batch_size: patches a batch.
        count: patches an epoch.
        shuffle: other places each epoch; else the same ones.
        seed: of places.

    Yields:
        (x, y): float32 (n, side, side, C), int64 (n,).
    """

    def __init__(
        self,
        pairs: SegmentationPairs,
        size: tuple[int, int],
        side: int,
        pixels: Preprocessor,
        batch_size: int,
        *,
        count: int,
        shuffle: bool,
        seed: int = 0,
    ) -> None:
        super().__init__(batch_size, shuffle, seed)
        self.count, self.side, self.pixels = count, side, pixels
        whole = SegmentationBatches(pairs, size, pixels, batch_size)
        samples = [whole.sample(row, 0) for row in range(len(pairs))]
        self.labels = [labels for _, labels in samples]
        self.images = [padded(image, side) for image, _ in samples]
        self.places = [np.argwhere(labels != IGNORED) for labels in self.labels]

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        _, rows = self.batch_rows(index)
        epoch = self.epoch if self.shuffle else 0
        patches, classes = [], []
        for row in rows:
            rng = sightkit_io.sample_rng(self.seed, epoch, int(row))
            which = int(rng.integers(len(self.images)))
            y, x = self.places[which][rng.integers(len(self.places[which]))]
            patch = self.images[which][y : y + self.side, x : x + self.side]
            patches.append(patch[:, ::-1] if self.shuffle and rng.random() < 0.5 else patch)
            classes.append(self.labels[which][y, x])
        return self.pixels.batch(np.stack(patches)), np.array(classes, np.int64)


def view_of(
    image: np.ndarray, labels: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Cut the same random part, at least half of each side, out of both, or of both mirrored."""
    (height, width), scale = labels.shape, rng.uniform(1 / LARGER, 1)
    stretch = STRETCH ** rng.uniform(-0.5, 0.5)
    high, wide = (
        max(1, round(min(1, part) * side))
        for part, side in ((scale * stretch, height), (scale / stretch, width))
    )
    y, x = int(rng.integers(height - high + 1)), int(rng.integers(width - wide + 1))
    step = -1 if rng.random() < 0.5 else 1
    part: Any = (slice(y, y + high), slice(x, x + wide))
    return (np.ascontiguousarray(image[part][:, ::step]),
            np.ascontiguousarray(labels[part][:, ::step]))  # fmt: skip


def padded(image: np.ndarray, side: int) -> np.ndarray:
    """Return a picture mirrored at its edges, so that every pixel is the middle of a patch."""
    before, after = side // 2, side - 1 - side // 2
    return cv2.copyMakeBorder(image, before, after, before, after, cv2.BORDER_REFLECT_101)
