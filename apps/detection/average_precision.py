"""Average precision of a detector, as COCO defines it, with an interval.

The detections of a class are gone through by falling score; precision is the share of them that
are right so far, recall the share of the objects that are found. Average precision is the mean,
over 101 recalls, of the best precision at that recall or above. Equal to pycocotools' to 1e-9 (area
"all", 100 detections a class and picture).

Reference:
    Lin et al., "Microsoft COCO: Common objects in context", 2014, https://arxiv.org/abs/1405.0312;
    https://github.com/ppwwyyxx/cocoapi.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sightkit import evaluation
from sightkit._errors import SightkitError, few
from sightkit.apps.detection.annotations import AnnotatedPictures
from sightkit.apps.detection.detections import Detections
from sightkit.apps.detection.matching import match

OVERLAPS = tuple(np.linspace(0.5, 0.95, 10).tolist())
"""COCO's ten; the first is that of PASCAL VOC."""
RECALLS = np.linspace(0, 1, 101)


@dataclass(frozen=True)
class ClassDetections:
    """All detections of a class, by falling score.

    Attributes:
        pictures: int64 (D,), index of the picture of each.
        right: bool (T, D), at each of T overlaps.
        wrong: bool (T, D); what is neither found something difficult.
        objects: int64 (P,), number of objects in each picture, without the difficult ones.
    """

    pictures: np.ndarray
    right: np.ndarray
    wrong: np.ndarray
    objects: np.ndarray


@dataclass(frozen=True)
class AveragePrecision:
    """The average precision of a detector on annotated pictures.

    Attributes:
        class_names: of the pictures.
        overlaps: (T,), intersection over union that makes a detection right.
        by_class: float64 (T, C); NaN for a class without objects.
        precisions: float64 (T, C, 101), at the recalls 0, 0.01, …, 1; NaN likewise.
        recalls: float64 (T, C), share of the objects that are found by all detections.
        classes: what they were computed from.
    """

    class_names: tuple[str, ...]
    overlaps: tuple[float, ...]
    by_class: np.ndarray
    precisions: np.ndarray = field(repr=False)
    recalls: np.ndarray = field(repr=False)
    classes: tuple[ClassDetections, ...] = field(repr=False)

    @property
    def mean(self) -> float:
        """Mean over overlaps and classes: COCO's mAP where the overlaps are its ten."""
        return float(np.nanmean(self.by_class))

    def at(self, overlap: float) -> float:
        """Return the mean over classes at one of the overlaps: mAP@0.5."""
        return float(np.nanmean(self.by_class[self._place(overlap)]))

    def intervals(self, *, seed: int = 0) -> dict[str, tuple[float, float]]:
        """Return 95 % intervals of ``mean`` and of ``at`` the first overlap (bootstrap).

        Pictures are drawn with replacement, with their objects and detections. The interval holds
        for other pictures of the same kind, not for another training.
        """
        pictures = len(self.classes[0].objects)

        def measured(drawn: np.ndarray) -> dict[str, np.ndarray]:
            values = np.stack([self._drawn(row) for row in drawn])
            held = ~np.isnan(values).all(axis=(1, 2))  # pictures without any object may be drawn
            mean, at = np.full(len(drawn), np.nan), np.full(len(drawn), np.nan)
            mean[held] = np.nanmean(values[held], axis=(1, 2))
            at[held] = np.nanmean(values[held, 0], axis=1)
            return {"mean": mean, "at": at}

        return evaluation.bootstrap(measured, (np.arange(pictures),), seed=seed)

    def table(self) -> list[dict[str, Any]]:
        """Return a row a class: objects, detections, AP at the first overlap, mean AP, recall.

        The mean is of several overlaps; of one there is none.
        """
        first, mean = (
            f"AP@{self.overlaps[0]:g}",
            f"AP@[{self.overlaps[0]:g}:{self.overlaps[-1]:g}]",
        )
        several = len(self.overlaps) > 1
        return [
            {
                "class": name,
                "objects": int(each.objects.sum()),
                "detections": len(each.pictures),
                first: _rounded(self.by_class[0, index]),
                **({mean: _rounded(self.by_class[:, index].mean())} if several else {}),
                "recall": _rounded(self.recalls[0, index]),
            }
            for index, (name, each) in enumerate(zip(self.class_names, self.classes, strict=True))
        ]

    def _place(self, overlap: float) -> int:
        near = np.flatnonzero(np.isclose(self.overlaps, overlap))
        if not len(near):
            raise SightkitError(
                "The overlap must be one that was measured.",
                overlap=overlap,
                measured=self.overlaps,
            )
        return int(near[0])

    def _drawn(self, drawn: np.ndarray) -> np.ndarray:
        """Average precision (T, C) of drawn pictures: each counts as often as it was drawn."""
        weights = np.bincount(drawn, minlength=len(drawn))
        return np.stack(
            [_precision(each, weights)[0].mean(axis=1) for each in self.classes], axis=1
        )


def average_precision(
    pictures: AnnotatedPictures,
    detections: Sequence[Detections],
    overlaps: Sequence[float] = OVERLAPS,
) -> AveragePrecision:
    """Measure detections against annotations.

    Args:
        pictures: annotated.
        detections: one for each of ``pictures``, in their order, with the same class names.
        overlaps: intersection over union that makes a detection right, rising.

    Raises:
        SightkitError: other numbers or class names; no object at all.
    """
    _require_fitting(pictures, detections, overlaps)
    limits = np.array(overlaps)
    classes = tuple(
        _class_detections(pictures, detections, label, limits)
        for label in range(len(pictures.class_names))
    )
    once = np.ones(len(pictures), np.int64)
    measured = [_precision(each, once) for each in classes]
    precisions = np.stack([precision for precision, _ in measured], axis=1)
    recalls = np.stack([recall for _, recall in measured], axis=1)
    return AveragePrecision(
        pictures.class_names, tuple(overlaps), precisions.mean(axis=2), precisions, recalls, classes
    )


def _require_fitting(
    pictures: AnnotatedPictures, detections: Sequence[Detections], overlaps: Sequence[float]
) -> None:
    if len(pictures) != len(detections):
        raise SightkitError(
            "Each annotated picture must have its detections, if none were found an empty list.",
            pictures=len(pictures), detections=len(detections),
        )  # fmt: skip
    for each in detections:
        if each.class_names != pictures.class_names:
            raise SightkitError(
                "The detector and the annotations must have the same classes, in the same order.",
                "Give class_names of the detector where the annotations are read.",
                detector=few(each.class_names), annotations=few(pictures.class_names),
            )  # fmt: skip
    if not overlaps or not all(0 < overlap <= 1 for overlap in overlaps):
        raise SightkitError("An overlap must be above 0 and 1 at most.", overlaps=tuple(overlaps))
    if all(each.difficult.all() for each in pictures.annotations):
        raise SightkitError(
            "Average precision needs at least one object that is not difficult.",
            pictures=len(pictures),
        )


def _class_detections(
    pictures: AnnotatedPictures, detections: Sequence[Detections], label: int, overlaps: np.ndarray
) -> ClassDetections:
    matches = [
        match(annotation, found, label, overlaps)
        for annotation, found in zip(pictures.annotations, detections, strict=True)
    ]
    rows = [each.detections for each in matches]
    scores = [found.scores[row] for found, row in zip(detections, rows, strict=True)]
    order = np.argsort(-np.concatenate(scores), kind="stable")
    found = np.concatenate([each.found >= 0 for each in matches], axis=1)[:, order]
    ignored = np.concatenate([each.ignored for each in matches], axis=1)[:, order]
    return ClassDetections(
        np.repeat(np.arange(len(rows)), [len(row) for row in rows])[order],
        found & ~ignored,
        ~found & ~ignored,
        np.array([int((~each.difficult).sum()) for each in matches]),
    )


def _precision(found: ClassDetections, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return precision (T, 101) at each recall, and the last recall (T,), of weighted pictures.

    A weight is how often a picture was drawn: its detections then follow each other, all right or
    all wrong, which changes no best precision.
    """
    overlaps, objects = len(found.right), int(found.objects @ weights)
    if not objects:
        return np.full((overlaps, len(RECALLS)), np.nan), np.full(overlaps, np.nan)
    each = weights[found.pictures]
    right, wrong = np.cumsum(found.right * each, axis=1), np.cumsum(found.wrong * each, axis=1)
    recall = right / objects
    precision = right / (right + wrong + np.spacing(1))
    best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    best = np.concatenate([best, np.zeros((overlaps, 1))], axis=1)  # of recalls that none reaches
    places = np.stack([np.searchsorted(row, RECALLS, side="left") for row in recall])
    last = recall[:, -1] if recall.shape[1] else np.zeros(overlaps)
    return np.take_along_axis(best, places, axis=1), last


def _rounded(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 4)
