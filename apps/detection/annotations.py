"""Annotated pictures: the boxes that are in them, and of which class."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sightkit._errors import SightkitError
from sightkit.apps.detection.boxes import checked_boxes
from sightkit.io import read_image


@dataclass(frozen=True)
class Annotation:
    """One picture and its boxes.

    Attributes:
        image: file of the picture.
        size: (height, width) in pixels, as ``io.read_image`` gives it.
        boxes: float32 (N, 4), ``[x0, y0, x1, y1]`` in pixels, x1 and y1 exclusive; checked.
        labels: int64 (N,), indices into the class names.
        difficult: bool (N,): objects that need not be found, and do not count when they are (VOC's
            ``difficult``, COCO's ``iscrowd``).
    """

    image: Path
    size: tuple[int, int]
    boxes: np.ndarray
    labels: np.ndarray
    difficult: np.ndarray

    def __post_init__(self) -> None:
        """Check the values."""
        boxes = checked_boxes(self.boxes, self.size)
        labels, difficult = np.asarray(self.labels, np.int64), np.asarray(self.difficult, bool)
        if not len(boxes) == len(labels) == len(difficult):
            raise SightkitError(
                "Each box must have a label, and difficult or not.",
                boxes=len(boxes), labels=len(labels), difficult=len(difficult),
            )  # fmt: skip
        object.__setattr__(self, "boxes", boxes)
        object.__setattr__(self, "labels", labels)
        object.__setattr__(self, "difficult", difficult)

    def __len__(self) -> int:
        return len(self.boxes)

    def read_image(self) -> np.ndarray:
        """Return the picture, uint8 (H, W, 3), RGB."""
        return read_image(self.image)


@dataclass(frozen=True)
class AnnotatedPictures:
    """Pictures with their boxes, and the names of the classes.

    Attributes:
        annotations: one a picture, pictures without a box too.
        class_names: what labels are indices of.
    """

    annotations: tuple[Annotation, ...]
    class_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.annotations)

    def boxes_by_class(self) -> dict[str, int]:
        """Return the number of boxes of each class."""
        counts = Counter(int(label) for each in self.annotations for label in each.labels)
        return {name: counts[index] for index, name in enumerate(self.class_names)}
