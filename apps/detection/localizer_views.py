"""Pictures of one object each, seen in several ways: mirrored, moved and zoomed, with their box."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from sightkit import io as sightkit_io
from sightkit._arrays import sha256_of
from sightkit.apps.detection.annotations import AnnotatedPictures
from sightkit.apps.detection.localizer_measures import relative_targets
from sightkit.io.batches import OrderedBatches
from sightkit.preprocessing import SimplePreprocessor

ZOOM, SHIFT = 1.25, 0.15
"""Largest factor of each side, and largest shift of the middle as a share of it."""
VISIBLE = 0.7
"""Share of a box that a view must show."""


def view_of(
    image: np.ndarray, target: np.ndarray, view: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return a view of a picture and its target.

    Args:
        image: uint8 (H, W, 3).
        target: float32 (5,), see ``relative_targets``.
        view: 0: as it is; 1: mirrored; others: moved and zoomed, every second one mirrored.
        rng: source of what is drawn.

    Returns:
        uint8 (H, W, 3), what comes from outside is grey; and float32 (5,).
    """
    box = target[1:]
    if view > 1:
        sides = ZOOM ** rng.uniform(-1, 1, 2)
        low = 0.5 + rng.uniform(-SHIFT, SHIFT, 2) - sides / 2
        moved = (box - np.tile(low, 2)) / np.tile(sides, 2)
        inside = moved.clip(0, 1)
        shown = np.prod(inside[2:] - inside[:2]) / np.prod(moved[2:] - moved[:2])
        if shown >= VISIBLE:
            image, box = _window(image, low, sides), inside
    if view % 2:
        image, box = image[:, ::-1], np.array([1 - box[2], box[1], 1 - box[0], box[3]])
    return np.ascontiguousarray(image), np.array([target[0], *box], np.float32)


def _window(image: np.ndarray, low: np.ndarray, sides: np.ndarray) -> np.ndarray:
    """Return a window of a picture, given as shares, in the picture's size."""
    height, width = image.shape[:2]
    # OpenCV counts from the middles of pixels, shares from the picture's edges.
    matrix = np.array(
        [
            [sides[0], 0, low[0] * width + sides[0] / 2 - 0.5],
            [0, sides[1], low[1] * height + sides[1] / 2 - 0.5],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    grey = (127, 127, 127)
    return cv2.warpAffine(image, matrix, (width, height), flags=flags, borderValue=grey)


class LocalizationBatches(OrderedBatches):
    """Views of pictures, or their features, as batches that ``training.fit`` resumes exactly.

    Which view of a picture comes is a function of seed, epoch and picture.

    Args:
        pictures: of one object each.
        size: (height, width) of the network's input; pictures are stretched to it.
        prepare: uint8 (n, height, width, 3) to what is trained on: pixels or features.
        batch_size: pictures a batch.
        views: of each picture, see ``view_of``; 1 for evaluation.
        shuffle: mix the pictures anew each epoch.
        seed: of order and views.

    Attributes:
        inputs: float16 (views, N, …), what ``prepare`` gave.
        targets: float32 (views, N, 5).
        sha256: of pictures, boxes and labels, before ``prepare``.

    Yields:
        (x, y): float32 (n, …) and float32 (n, 5).
    """

    def __init__(
        self,
        pictures: AnnotatedPictures,
        size: tuple[int, int],
        prepare: Callable[[np.ndarray], np.ndarray],
        batch_size: int,
        *,
        views: int = 1,
        shuffle: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__(batch_size, shuffle, seed)
        targets = relative_targets(pictures)
        self.count = len(targets)
        resize = SimplePreprocessor(size[1], size[0])
        images = [each.read_image() for each in pictures.annotations]
        self.sha256 = sha256_of(("", array) for array in (*images, targets))
        inputs, moved = [], []
        for view in range(views):
            pairs = [
                view_of(image, target, view, sightkit_io.sample_rng(seed, view, row))
                for row, (image, target) in enumerate(zip(images, targets, strict=True))
            ]
            parts = [
                prepare(np.stack([resize(image) for image, _ in pairs[start : start + 64]]))
                for start in range(0, self.count, 64)
            ]
            inputs.append(np.concatenate(parts).astype(np.float16))
            moved.append([target for _, target in pairs])
        self.inputs, self.targets = np.stack(inputs), np.array(moved, np.float32)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        _, rows = self.batch_rows(index)
        views = [self._view(int(row)) for row in rows]
        return self.inputs[views, rows].astype(np.float32), self.targets[views, rows]

    def _view(self, row: int) -> int:
        if len(self.inputs) == 1:
            return 0
        rng = sightkit_io.sample_rng(self.seed, self.epoch, row)
        return int(rng.integers(len(self.inputs)))
