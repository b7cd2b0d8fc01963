"""Annotated pictures as batches that ``training.fit`` resumes exactly."""

from __future__ import annotations

import numpy as np

from sightkit import io as sightkit_io
from sightkit._arrays import sha256_of
from sightkit._errors import SightkitError
from sightkit.apps.detection.annotations import AnnotatedPictures
from sightkit.apps.detection.box_augmentation import BoxAugmentation
from sightkit.apps.detection.detector_setup import DetectorSetup
from sightkit.io.batches import OrderedBatches


class DetectionBatches(OrderedBatches):
    """Pictures on the network's canvas with their encoded boxes.

    Each picture is decoded once, and held as uint8 in the size that it has on the canvas: 150 KB
    at 320 pixels (most of the time of a small network's step would be decoding).

    Args:
        pictures: of one split.
        setup: of the network.
        batch_size: pictures a batch.
        augment: random variation, of training pictures alone; None for none.
        shuffle: mix the pictures anew each epoch.
        seed: of order and variation.

    Attributes:
        pictures: as they were given.
        images: by picture uint8 (h, w, 3).
        boxes: by picture float32 (N, 4), in its pixels.
        labels: by picture int64 (N,).

    Yields:
        (x, y): float32 (n, H, W, 3), and the targets of ``setup.coding``, float32 (n, …).

    Raises:
        SightkitError: no pictures, or classes without a name.
    """

    def __init__(
        self,
        pictures: AnnotatedPictures,
        setup: DetectorSetup,
        batch_size: int,
        *,
        augment: BoxAugmentation | None = None,
        shuffle: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__(batch_size, shuffle, seed)
        if not len(pictures):
            raise SightkitError(
                "A split has at least one picture.", "Look at the list of pictures.", pictures=0
            )
        self.pictures = pictures
        self.setup = setup
        self.augment = augment
        self.count = len(pictures)
        self.images: list[np.ndarray] = []
        self.boxes: list[np.ndarray] = []
        self.labels = [annotation.labels for annotation in pictures.annotations]
        for annotation in pictures.annotations:
            image = annotation.read_image()
            self.images.append(setup.canvas.shrink(image))
            self.boxes.append(annotation.boxes * setup.canvas.scale(annotation.size))

    @property
    def sha256(self) -> str:
        """SHA-256 of pictures, boxes and labels: the identity of the data."""
        arrays = (*self.images, *self.boxes, *self.labels)
        return sha256_of(("", array) for array in arrays)

    def sample(self, row: int, epoch: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return a picture as it is in an epoch: canvas, boxes and labels."""
        image, boxes, labels = self.images[row], self.boxes[row], self.labels[row]
        if self.augment is None:
            return self.setup.canvas.place(image), boxes, labels
        rng = sightkit_io.sample_rng(self.seed, epoch, row)
        return self.augment(image, boxes, labels, self.setup.canvas, rng)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        _, rows = self.batch_rows(index)
        samples = [self.sample(int(row), self.epoch) for row in rows]
        x = self.setup.pixels.batch(np.stack([canvas for canvas, _, _ in samples]))
        y = [self.setup.coding.encode(boxes, labels) for _, boxes, labels in samples]
        return x, np.stack(y)
