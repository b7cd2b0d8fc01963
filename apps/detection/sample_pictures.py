"""Two annotated photographs, scikit-learn's, for runs without any data."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from sklearn.datasets import load_sample_images

from sightkit.apps.detection.annotations import AnnotatedPictures, Annotation
from sightkit.apps.detection.detections import Detections
from sightkit.io import write_png

BOXES = {
    "china.jpg": ("pavilion", (0, 95, 640, 345)),
    "flower.jpg": ("flower", (195, 35, 525, 365)),
}
"""By eye."""
MOVED = 0.1
"""Of a box's sides: how far the made-up detections are away."""


def write_sample_annotations(folder: str | os.PathLike[str]) -> AnnotatedPictures:
    """Write the photographs as PNG into a folder, and return their annotations."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    names = tuple(sorted({name for name, _ in BOXES.values()}))
    photos = load_sample_images()
    annotations = []
    for photo, path in zip(photos.images, photos.filenames, strict=True):
        name, box = BOXES[os.path.basename(path)]
        image = folder / f"{name}.png"
        write_png(image, photo)
        labels = np.array([names.index(name)])
        annotations.append(
            Annotation(image, photo.shape[:2], np.array([box]), labels, np.array([False]))
        )
    return AnnotatedPictures(tuple(annotations), names)


def sample_detections(pictures: AnnotatedPictures) -> list[Detections]:
    """Return made-up detections: of each object one near it, and one around nothing."""
    found = []
    for each in pictures.annotations:
        sides = np.tile(each.boxes[:, 2:] - each.boxes[:, :2], 2)
        near = each.boxes + MOVED * sides * np.array([1, 1, -1, -1], np.float32)
        boxes = np.concatenate([near, each.boxes / 3])
        scores = np.repeat([0.9, 0.6], len(each))
        found.append(Detections(boxes, scores, np.tile(each.labels, 2), pictures.class_names))
    return found
