"""How well pictures are segmented: intersection over union by class, beside two baselines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from sightkit.apps.generative.mask_classes import IGNORED
from sightkit.apps.generative.segmentation_pairs import SegmentationPairs

PRIOR_SIZE = (90, 120)
"""Of the map of what class is where most often."""


@dataclass(frozen=True)
class Overlap:
    """Intersection over union.

    Attributes:
        names: of classes.
        counts: int64 (classes, classes), pixels by true class and answer.
    """

    names: tuple[str, ...]
    counts: np.ndarray

    @property
    def by_class(self) -> np.ndarray:
        """float64 (classes,); NaN where a class neither occurs nor is answered."""
        right = np.diagonal(self.counts)
        union = self.counts.sum(axis=0) + self.counts.sum(axis=1) - right
        return np.where(union > 0, right / np.maximum(union, 1), np.nan)

    @property
    def mean(self) -> float:
        """Mean over the classes that occur or are answered."""
        return float(np.nanmean(self.by_class))

    @property
    def right(self) -> float:
        """Share of pixels of which the class is right."""
        return float(np.trace(self.counts) / max(1, self.counts.sum()))

    def to_json(self) -> dict[str, Any]:
        """Return all figures."""
        each = [None if np.isnan(value) else float(value) for value in self.by_class]
        return {
            "mean_iou": self.mean,
            "pixels_right": self.right,
            "iou": dict(zip(self.names, each, strict=True)),
        }


def measure_overlap(
    pairs: SegmentationPairs, segment: Callable[[np.ndarray], np.ndarray]
) -> Overlap:
    """Segment all pictures and compare them with their masks, in the pictures' own size.

    Args:
        pairs: of one split.
        segment: picture, uint8 (H, W, 3), to labels, uint8 (H, W).
    """
    names = pairs.classes.names
    rows = range(len(pairs))
    return overlap_of(((pairs.labels(row), segment(pairs.image(row))) for row in rows), names)


def overlap_of(pairs: Iterable[tuple[np.ndarray, np.ndarray]], names: Sequence[str]) -> Overlap:
    """Count pixels of pairs of true labels and answers, uint8 (H, W); 255 is not counted."""
    total = np.zeros((len(names), len(names)), np.int64)
    for true, found in pairs:
        counted = true != IGNORED
        places = true[counted].astype(np.int64) * len(names) + found[counted]
        total += np.bincount(places, minlength=total.size).reshape(total.shape)
    return Overlap(tuple(names), total)


def class_prior(pairs: SegmentationPairs) -> Callable[[np.ndarray], np.ndarray]:
    """Return what answers, without looking, the class that is most often at a place of a picture.

    Args:
        pairs: of the training.
    """
    shares = np.zeros((*PRIOR_SIZE, len(pairs.classes.names)))
    height, width = PRIOR_SIZE
    for row in range(len(pairs)):
        labels = pairs.labels(row)
        for k in range(shares.shape[2]):
            share = (labels == k).astype(np.float32)
            shares[..., k] += cv2.resize(share, (width, height), interpolation=cv2.INTER_AREA)
    best = shares.argmax(axis=2).astype(np.uint8)

    def segment(image: np.ndarray) -> np.ndarray:
        size = (image.shape[1], image.shape[0])
        return cv2.resize(best, size, interpolation=cv2.INTER_NEAREST)

    return segment


def largest_class(pairs: SegmentationPairs) -> Callable[[np.ndarray], np.ndarray]:
    """Return what answers the largest class of the training everywhere."""
    counts = np.zeros(256, np.int64)
    for row in range(len(pairs)):
        counts += np.bincount(pairs.labels(row).ravel(), minlength=256)
    best = int(counts[: len(pairs.classes.names)].argmax())
    return lambda image: np.full(image.shape[:2], best, np.uint8)
