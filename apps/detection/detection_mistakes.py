"""The mistakes of a detector: objects that it missed, boxes around nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from sightkit.apps.detection.annotations import AnnotatedPictures, Annotation
from sightkit.apps.detection.detections import Detections
from sightkit.apps.detection.drawing import draw_boxes
from sightkit.apps.detection.matching import match

RIGHT, MISSED, FALSE = (0, 158, 115), (230, 60, 50), (240, 190, 0)
"""Colours: green, red, yellow."""
LONGEST = 720
"""Pixels of a drawn picture's longer side, at most."""


@dataclass(frozen=True)
class PictureMistakes:
    """What a detector did in one picture.

    Attributes:
        annotation: of the picture.
        detections: those of the score that was chosen, and above.
        right: bool (D,); what is neither right nor false found something difficult.
        false: bool (D,).
        missed: bool (G,), objects of the annotation.
    """

    annotation: Annotation
    detections: Detections
    right: np.ndarray
    false: np.ndarray
    missed: np.ndarray

    @property
    def count(self) -> int:
        """Number of mistakes."""
        return int(self.false.sum() + self.missed.sum())

    def draw(self) -> np.ndarray:
        """Return the picture with its boxes: found green, missed red, false yellow."""
        image = self.annotation.read_image()
        factor = min(1, LONGEST / max(image.shape[:2]))
        if factor < 1:
            size = [max(1, round(side * factor)) for side in image.shape[1::-1]]
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        names, found, truth = self.detections.class_names, self.detections, self.annotation
        groups = (
            (found.boxes[self.right], [""] * int(self.right.sum()), RIGHT),
            (
                truth.boxes[self.missed],
                [f"missed {names[label]}" for label in truth.labels[self.missed]],
                MISSED,
            ),
            (
                found.boxes[self.false],
                [
                    f"{names[label]} {score:.2f}"
                    for label, score in zip(
                        found.labels[self.false], found.scores[self.false], strict=True
                    )
                ],
                FALSE,
            ),
        )
        return draw_boxes(
            image,
            np.concatenate([boxes for boxes, _, _ in groups]) * factor,
            [caption for _, captions, _ in groups for caption in captions],
            [colour for boxes, _, colour in groups for _ in boxes],
        )


def detection_mistakes(
    pictures: AnnotatedPictures,
    detections: Sequence[Detections],
    score: float,
    overlap: float = 0.5,
) -> list[PictureMistakes]:
    """Compare detections of a score and above with the objects, picture by picture.

    Args:
        pictures: annotated.
        detections: one for each of ``pictures``.
        score: least score.
        overlap: intersection over union that makes a detection right.
    """
    return [
        _mistakes(annotation, found, score, overlap)
        for annotation, found in zip(pictures.annotations, detections, strict=True)
    ]


def _mistakes(
    annotation: Annotation, found: Detections, score: float, overlap: float
) -> PictureMistakes:
    found = found.of_score(score)
    right, false = np.zeros(len(found), bool), np.zeros(len(found), bool)
    missed = ~annotation.difficult
    for label in range(len(found.class_names)):
        matches = match(annotation, found, label, np.array([overlap]))
        places, ignored = matches.found[0], matches.ignored[0]
        right[matches.detections] = (places >= 0) & ~ignored
        false[matches.detections] = places < 0
        missed[matches.objects[places[places >= 0]]] = False
    return PictureMistakes(annotation, found, right, false, missed)
