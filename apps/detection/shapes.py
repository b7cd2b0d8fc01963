"""Pictures of coloured shapes with their boxes, for smoke runs and tests: they need no data."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np

from sightkit.apps.detection.annotations import AnnotatedPictures, Annotation
from sightkit.apps.detection.boxes import intersections
from sightkit.apps.detection.detections import Detections
from sightkit.io import write_png

CLASS_NAMES = ("disc", "square")
COLOURS = ((220, 60, 50), (50, 90, 220))
MOVED = 0.1
"""Of a box's sides: how far the made-up detections are away."""
TRIES = 30
"""Places that are tried for a shape, so that none lies on another."""


def write_shapes(
    folder: str | os.PathLike[str],
    pictures: int,
    *,
    size: tuple[int, int] = (96, 128),
    most: int = 3,
    seed: int = 0,
) -> AnnotatedPictures:
    """Write pictures of red discs and blue squares on grey noise; every fourth may be empty.

    Args:
        folder: made where it is missing.
        pictures: number of PNG files.
        size: (height, width) of each.
        most: shapes of a picture.
        seed: of everything.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    annotations = []
    for index in range(pictures):
        rng = np.random.default_rng([seed, index])
        image = rng.normal(128, 12, (*size, 3)).clip(0, 255).astype(np.uint8)
        count = rng.integers(0 if index % 4 == 3 else 1, most + 1)
        boxes = _places(rng, int(count), size)
        labels = rng.integers(0, len(CLASS_NAMES), len(boxes))
        for (x0, y0, x1, y1), label in zip(boxes.tolist(), labels, strict=True):
            if label == 0:
                middle, radius = ((x0 + x1) // 2, (y0 + y1) // 2), (x1 - x0 - 1) // 2
                cv2.circle(image, middle, radius, COLOURS[0], -1)
            else:
                cv2.rectangle(image, (x0, y0), (x1 - 1, y1 - 1), COLOURS[1], -1)
        path = folder / f"shapes_{index:03d}.png"
        write_png(path, image)
        difficult = np.zeros(len(boxes), bool)
        annotations.append(Annotation(path, size, boxes, labels, difficult))
    return AnnotatedPictures(tuple(annotations), CLASS_NAMES)


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


def _places(rng: np.random.Generator, count: int, size: tuple[int, int]) -> np.ndarray:
    """Return int64 (N, 4) boxes that do not touch: odd sides of 0.3 to 0.5 of the smaller side."""
    boxes = np.zeros((0, 4), np.int64)
    for _ in range(count * TRIES):
        side = int(rng.integers(3 * min(size) // 10, min(size) // 2)) | 1
        x, y = rng.integers(0, size[1] - side), rng.integers(0, size[0] - side)
        box = np.array([[x, y, x + side, y + side]])
        if len(boxes) < count and not intersections(box, boxes).any():
            boxes = np.concatenate([boxes, box])
    return boxes
