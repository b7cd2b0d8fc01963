"""Two annotated photographs, scikit-learn's, for runs without any data."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from sklearn.datasets import load_sample_images

from sightkit.apps.detection.annotations import AnnotatedPictures, Annotation
from sightkit.io import write_png

BOXES = {
    "china.jpg": ("pavilion", (0, 95, 640, 345)),
    "flower.jpg": ("flower", (195, 35, 525, 365)),
}
"""By eye."""


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
