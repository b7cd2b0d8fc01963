"""Which detection found which object, by COCO's rules."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sightkit.apps.detection.annotations import Annotation
from sightkit.apps.detection.boxes import box_areas, intersection_over_union, intersections
from sightkit.apps.detection.detections import Detections

MOST = 100
"""Detections of a class in a picture that count, the best: COCO's limit."""


@dataclass(frozen=True)
class Matches:
    """The detections and the objects of one class in one picture.

    Attributes:
        detections: int64 (D,), indices into the picture's detections, by falling score.
        objects: int64 (G,), indices into its boxes, those that are not difficult first.
        found: int64 (T, D): place in ``objects`` of what a detection found at each of T overlaps,
            -1 where that is nothing.
        difficult: bool (G,).
    """

    detections: np.ndarray
    objects: np.ndarray
    found: np.ndarray
    difficult: np.ndarray

    @property
    def ignored(self) -> np.ndarray:
        """Detections of difficult objects, bool (T, D): neither right nor wrong."""
        return (self.found >= 0) & np.append(self.difficult, False)[self.found]


def match(
    annotation: Annotation, detections: Detections, label: int, overlaps: np.ndarray
) -> Matches:
    """Match the detections of a class to its objects in a picture.

    In the order of their scores each takes, of the objects that are left, the one with the largest
    overlap, if it reaches the limit. A difficult object is taken only where no other one is, by any
    number of detections; the overlap with it is the share of the detection in it (COCO's crowd).

    Args:
        annotation: of the picture.
        detections: of the same picture.
        label: of the class.
        overlaps: (T,), intersection over union that is needed.
    """
    rows = np.flatnonzero(detections.labels == label)[:MOST]
    objects = np.flatnonzero(annotation.labels == label)
    objects = objects[np.argsort(annotation.difficult[objects], kind="stable")]
    difficult = annotation.difficult[objects]
    shares = _overlaps(detections.boxes[rows], annotation.boxes[objects], difficult)
    found = np.full((len(overlaps), len(rows)), -1)
    free = np.ones((len(overlaps), len(objects)), bool)
    limits = np.minimum(overlaps, 1 - 1e-10)[:, None]
    for place in np.flatnonzero((shares >= limits.min()).any(axis=1)):
        possible = free & (shares[place] >= limits)
        easy = possible & ~difficult
        possible = np.where(easy.any(axis=1, keepdims=True), easy, possible)
        values = np.where(possible, shares[place], -1.0)
        best = values.shape[1] - 1 - values[:, ::-1].argmax(axis=1)  # of equal ones COCO's last
        taken = np.flatnonzero(possible.any(axis=1))
        found[taken, place] = best[taken]
        free[taken, best[taken]] = difficult[best[taken]]
    return Matches(rows, objects, found, difficult)


def _overlaps(boxes: np.ndarray, objects: np.ndarray, difficult: np.ndarray) -> np.ndarray:
    shares = intersection_over_union(boxes, objects)
    if difficult.any():
        inside = intersections(boxes, objects[difficult]) / box_areas(boxes)[:, None]
        shares[:, difficult] = inside
    return shares
