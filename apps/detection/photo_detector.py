"""A trained detector of any kind: photos in, boxes out; its canary is a picture with its boxes."""

from __future__ import annotations

import abc
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np

from sightkit._errors import SightkitError
from sightkit.apps.detection.detections import Detections, DetectionsJson
from sightkit.training.bundle_format import CANARY, Description, damaged
from sightkit.training.classifier import Photo, as_photos, load_by_kind

DETECTORS = ("detector", "localizer", "hog_svm")
"""Kinds of bundles that find things."""
MOVED, CHANGED = 1.0, 0.02
"""Pixels of an edge and score by which a canary's detections may differ; other engines' differ by
less than 0.01 and 1e-4."""


class Limits(NamedTuple):
    """How a kind of detector searches photos.

    Attributes:
        shown: least score of ``predict``, by default.
        batch_size: photos in memory at once.
        compared_from: least score of what is compared in the canary picture.
    """

    shown: float = 0.0
    batch_size: int = 1
    compared_from: float = 0.0


class PhotoDetector(abc.ABC):
    """Photos in, detections out.

    Attributes:
        description: all of bundle.json.
        changed: score by which a canary's detections may differ.
        overlap: of ``predict``, by default.
    """

    description: dict[str, Any]
    changed: ClassVar[float] = CHANGED
    overlap: ClassVar[float] = 0.5

    @property
    @abc.abstractmethod
    def class_names(self) -> tuple[str, ...]:
        """Names in label order."""

    @property
    def limits(self) -> Limits:
        """Least scores and photos at once."""
        return Limits()

    @abc.abstractmethod
    def _find(self, images: Sequence[Photo], least: float, overlap: float) -> list[Detections]:
        """Find things in a batch of photos."""

    def predict(
        self,
        images: Photo | Sequence[Photo],
        *,
        least_score: float | None = None,
        overlap: float | None = None,
    ) -> list[Detections]:
        """Find things in photos.

        Args:
            images: uint8 arrays (H, W, 3) in RGB order or (H, W, 1), or paths of image files; a
                single one is a list of one.
            least_score: detections below it are left out, by default 0.5 of a detector, none of a
                localizer, which gives a photo one box, and of HOG; 0.05 for average precision.
            overlap: IoU that two detections of a class may have, by default 0.5, 0.3 of HOG.

        Returns:
            A ``Detections`` a photo, boxes in pixels of that photo.

        Raises:
            SightkitError: an array of another kind, or a file that is no image, which is named; of
                HOG a picture smaller than its window.
        """
        several, size = as_photos(images), self.limits.batch_size
        least = self.limits.shown if least_score is None else least_score
        most = self.overlap if overlap is None else overlap
        parts = [several[start : start + size] for start in range(0, len(several), size)]
        return [found for part in parts for found in self._find(part, least, most)]

    def check_canary(self, folder: Path) -> None:
        """Compare what is found in the canary picture with what was found when it was saved.

        Raises:
            SightkitError: a box is missing, is new, or differs.
        """
        stored = Detections.from_json(self.description["detections"], self.class_names)
        least = self.limits.compared_from
        (found,) = self.predict(folder / CANARY, least_score=max(0, least - 2 * self.changed))
        if reason := difference(stored, found, self.changed, least):
            raise SightkitError(
                "A bundle must find in the canary picture what it found when it was saved.",
                "Network, weights or setup have changed: do not trust this bundle.",
                bundle=str(folder),
                reason=reason,
            )


def difference(
    stored: Detections, found: Detections, changed: float = CHANGED, compared_from: float = 0.0
) -> str:
    """Return in what two lists of detections differ; nothing where they are alike."""
    for missing, one, other in (("missing", stored, found), ("new", found, stored)):
        for box, score, label in zip(one.boxes, one.scores, one.labels, strict=True):
            if score < compared_from:
                continue
            near = (
                (other.labels == label)
                & (np.abs(other.boxes - box).max(axis=1, initial=0) <= MOVED)
                & (np.abs(other.scores - score) <= changed)
            )
            if not near.any():
                name = one.class_names[label]
                return f"{name} of score {score:.3f} at {np.round(box, 1).tolist()} is {missing}"
    return ""


class FoundDescription(Description):
    """What the bundle.json of every kind of detector holds."""

    detections: DetectionsJson


def found_fields(found: Detections) -> dict[str, Any]:
    """Return what bundle.json says of classes, and of what was found in the canary picture."""
    classes = range(len(found.class_names))
    return {
        "class_names": list(found.class_names),
        "canary": [float(found.scores[found.labels == k].max(initial=0)) for k in classes],
        "detections": found.to_json(CANARY),
    }


def check_found(folder: Path, description: Mapping[str, Any]) -> None:
    """Raise unless the canary's detections can be those of the classes, with their best scores."""
    found = Detections.from_json(description["detections"], tuple(description["class_names"]))
    if found_fields(found)["canary"] != description["canary"]:
        raise damaged(folder, "its canary's scores are not those of its detections")


def load_detector(
    folder: str | os.PathLike[str],
    *,
    images: int | None = None,
    cache: str | os.PathLike[str] | None = None,
) -> PhotoDetector:
    """Load the detector that a bundle holds, and check that it finds what it found when saved.

    Args:
        folder: of a bundle of train_detector, train_localizer or train_hog_svm.
        images: number of photos to predict, see ``inference.compile``.
        cache: folder of compiled networks: with it OpenVINO answers wherever it is installed.

    Raises:
        SightkitError: no bundle or one of another kind, a damaged file, or a canary picture in
            which it finds other things.
    """
    return load_by_kind(folder, DETECTORS, images=images, cache=cache)
