"""What a detector found in one picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from annotated_types import Len
from typing_extensions import TypedDict

from sightkit import _schema
from sightkit._errors import SightkitError
from sightkit.apps.detection.boxes import as_boxes, box_faults


class FoundJson(TypedDict):
    """The JSON of one box."""

    label: _schema.Name
    score: float
    box: Annotated[list[float], Len(4, 4)]


class DetectionsJson(TypedDict):
    """The JSON of one picture."""

    image: _schema.Name
    detections: list[FoundJson]


@dataclass(frozen=True)
class Detections:
    """Boxes, scores and labels of one picture, sorted by falling score, equal ones by index.

    Attributes:
        boxes: float32 (N, 4), ``[x0, y0, x1, y1]`` in pixels, x1 and y1 exclusive.
        scores: float32 (N,), 0 to 1.
        labels: int64 (N,), indices into ``class_names``.
        class_names: of the detector.

    Raises:
        SightkitError: other shapes; a box that is not finite or has no area; a score that is NaN
            or outside of 0 to 1; a label without a name.
    """

    boxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]

    def __post_init__(self) -> None:
        """Check the values, and sort them."""
        boxes, scores = as_boxes(self.boxes), np.asarray(self.scores, np.float32)
        labels = np.asarray(self.labels)
        if not len(labels):
            labels = labels.astype(np.int64)
        if scores.shape != (len(boxes),) or labels.shape != scores.shape:
            raise SightkitError(
                "Each detection must have a box, a score and a label.",
                boxes=boxes.shape, scores=scores.shape, labels=labels.shape,
            )  # fmt: skip
        faults = box_faults(boxes)
        for fault in ("not finite", "swapped corners", "zero area"):
            if fault in faults:
                index = int(faults[fault][0])
                raise SightkitError(
                    "The box of a detection must have an area.",
                    "Leave it out before.", fault=fault, index=index, box=boxes[index].tolist(),
                )  # fmt: skip
        if not (valid := (scores >= 0) & (scores <= 1)).all():
            index = int(np.argmin(valid))
            raise SightkitError(
                "A score must be a number from 0 to 1.",
                "If it is nan, look for the first nan in pixels and weights.",
                index=index, score=float(scores[index]),
            )  # fmt: skip
        known = (labels >= 0) & (labels < len(self.class_names))
        if labels.dtype.kind not in "iu" or not known.all():
            raise SightkitError(
                "A label must be the index of a class name.",
                labels=np.unique(labels), classes=len(self.class_names),
            )  # fmt: skip
        order = np.argsort(-scores, kind="stable")
        object.__setattr__(self, "boxes", boxes[order])
        object.__setattr__(self, "scores", scores[order])
        object.__setattr__(self, "labels", labels[order].astype(np.int64))
        object.__setattr__(self, "class_names", tuple(self.class_names))

    def __len__(self) -> int:
        return len(self.scores)

    def names(self) -> list[str]:
        """Return the class name of each detection."""
        return [self.class_names[label] for label in self.labels]

    def of_score(self, least: float) -> Detections:
        """Return the detections of a score and above."""
        kept = self.scores >= least
        return Detections(self.boxes[kept], self.scores[kept], self.labels[kept], self.class_names)

    def to_json(self, image_name: str) -> dict[str, Any]:
        """Return ``{"image": …, "detections": [{"label", "score", "box"}]}``, best first."""
        found = [
            {"label": name, "score": shortest(score), "box": [shortest(edge) for edge in box]}
            for name, score, box in zip(self.names(), self.scores, self.boxes, strict=True)
        ]
        return {"image": image_name, "detections": found}

    @classmethod
    def from_json(cls, content: DetectionsJson, class_names: Sequence[str]) -> Detections:
        """Return the detections that ``to_json`` wrote.

        Raises:
            SightkitError: a label that is not in ``class_names``; as the constructor.
        """
        found, names = content["detections"], tuple(class_names)
        if unknown := sorted({each["label"] for each in found} - set(names)):
            raise SightkitError(
                "The labels of detections must be class names.",
                "Compare the spelling with the annotations.",
                image=content["image"], unknown=unknown, class_names=names,
            )  # fmt: skip
        return cls(
            as_boxes([each["box"] for each in found]),
            np.array([each["score"] for each in found], np.float32),
            np.array([names.index(each["label"]) for each in found], np.int64),
            names,
        )


def shortest(value: np.float32) -> float:
    """Return the shortest decimal number that is this float32: 0.9, not 0.8999999761581421."""
    return float(str(value))
