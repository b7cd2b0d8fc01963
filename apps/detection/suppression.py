"""Non-maxima suppression: of boxes that overlap, the one with the highest score."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from sightkit._errors import SightkitError
from sightkit.apps.detection.boxes import as_boxes

ROUNDING = 1e-6
"""OpenCV compares in float32: an overlap that is equal to the limit must not be above it."""


def non_maxima_suppression(
    boxes: np.ndarray,
    scores: np.ndarray,
    labels: np.ndarray | None = None,
    overlap: float = 0.5,
) -> np.ndarray:
    """Return the indices of the boxes to keep, by falling score, of equal scores by index.

    Greedy: the box with the highest score is kept, all that overlap it by more than ``overlap`` are
    dropped, and so on with the rest. OpenCV does it in C++. (imutils' function of that name divides
    by the area of the other box alone, and sorts by the lower edge where it gets no scores.)

    Args:
        boxes: float (N, 4), ``[x0, y0, x1, y1]``.
        scores: float (N,).
        labels: int (N,): boxes of different classes do not suppress each other; None makes all of
            them one class.
        overlap: intersection over union, 0 to 1, that two boxes may have (to 1e-6).

    Returns:
        int64 (K,).

    Raises:
        SightkitError: lengths that differ, a score or an edge that is NaN or infinite.
    """
    boxes, scores = as_boxes(boxes), np.asarray(scores, np.float32)
    if scores.shape != (len(boxes),) or (labels is not None and len(labels) != len(boxes)):
        raise SightkitError(
            "Each box must have a score, and a label where labels are given.",
            boxes=len(boxes), scores=scores.shape, labels=None if labels is None else len(labels),
        )  # fmt: skip
    if not 0 <= overlap <= 1:
        raise SightkitError("overlap must be from 0 to 1.", "Give 0.5.", overlap=overlap)
    for name, values in (("score", scores), ("box", boxes)):
        if not np.isfinite(values).all():
            index = int(np.flatnonzero(~np.isfinite(values.reshape(len(boxes), -1)).all(axis=1))[0])
            raise SightkitError(
                f"A {name} must not be nan or infinite.", index=index, value=values[index].tolist()
            )
    if not len(boxes):
        return np.zeros(0, np.int64)
    corners = boxes.astype(np.float64)
    corners[:, 2:] -= corners[:, :2]
    # OpenCV takes scores above 0 alone; margins of an SVM are not. Ranks also settle equal scores.
    ranks = np.empty(len(boxes), np.float32)
    ranks[np.argsort(-scores, kind="stable")] = np.arange(len(boxes), 0, -1)
    limit = overlap + ROUNDING
    opencv: Any = cv2.dnn  # its stubs know lists alone
    if labels is None:
        kept = opencv.NMSBoxes(corners, ranks, 0, limit)
    else:
        kept = opencv.NMSBoxesBatched(corners, ranks, np.asarray(labels, np.int32), 0, limit)
    return np.asarray(kept, np.int64).reshape(-1)
