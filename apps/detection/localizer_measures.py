"""What a localizer is to find, and how well it does, beside who always gives the same box."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from sightkit._errors import SightkitError
from sightkit.apps.detection.annotations import AnnotatedPictures
from sightkit.apps.detection.boxes import box_areas

RIGHT = 0.5
"""IoU from which on a box counts as right."""


def relative_targets(pictures: AnnotatedPictures) -> np.ndarray:
    """Return float32 (N, 5): label, then the box as shares of width and height.

    Raises:
        SightkitError: pictures with no object, or with several; they are named.
    """
    others = [each.image.name for each in pictures.annotations if len(each) != 1]
    if others:
        raise SightkitError(
            "A localizer learns from pictures of one object each.",
            "Leave the others out, or train a detector: scripts/detection/train_detector.py.",
            pictures=len(others), first=others[:3],
        )  # fmt: skip
    rows = []
    for each in pictures.annotations:
        height, width = each.size
        rows.append([each.labels[0], *(each.boxes[0] / (width, height, width, height))])
    return np.array(rows, np.float32)


def paired_overlap(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the IoU, float64 (N,), of boxes (N, 4) in pairs; one box is compared with all."""
    one, other = np.broadcast_arrays(one.astype(np.float64), other.astype(np.float64))
    sides = np.minimum(one[:, 2:], other[:, 2:]) - np.maximum(one[:, :2], other[:, :2])
    common = sides.clip(min=0).prod(axis=1)
    return common / (box_areas(one) + box_areas(other) - common)


def best_constant_box(boxes: np.ndarray) -> np.ndarray:
    """Return the box, (4,), whose mean IoU with all of some boxes, (N, 4), is the highest.

    It is searched from the mean, the median and the hull of the boxes.
    """

    def loss(box: np.ndarray) -> float:
        valid = box[2] > box[0] and box[3] > box[1]
        return -float(paired_overlap(box[None], boxes).mean()) if valid else 0.0

    hull = np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)])
    starts = (boxes.mean(axis=0), np.median(boxes, axis=0), hull)
    found = [minimize(loss, start, method="Nelder-Mead") for start in starts]
    return min(found, key=lambda each: each.fun).x


def measure_localizer(
    logits: np.ndarray, boxes: np.ndarray, targets: np.ndarray, constant: np.ndarray
) -> dict[str, float]:
    """Compare answers with the truth.

    Args:
        logits: (N, classes).
        boxes: (N, 4), shares of width and height.
        targets: (N, 5), see ``relative_targets``.
        constant: (4,), of ``best_constant_box`` on the training boxes.

    Returns:
        ``mean_iou``, ``constant_iou`` of the constant box, their ``ratio``, ``accuracy`` of the
        classes, and ``localized``: the share whose class is right and whose IoU is at least 0.5.
    """
    overlap = paired_overlap(boxes, targets[:, 1:])
    baseline = float(paired_overlap(constant[None], targets[:, 1:]).mean())
    right = logits.argmax(axis=1) == targets[:, 0]
    return {
        "pictures": len(targets),
        "mean_iou": float(overlap.mean()),
        "constant_iou": baseline,
        "ratio": float(overlap.mean()) / baseline,
        "accuracy": float(right.mean()),
        "localized": float((right & (overlap >= RIGHT)).mean()),
    }
