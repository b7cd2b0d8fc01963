"""Losses of single-shot detectors: focal and smooth L1 of anchors, the squares of a grid."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

Tensor = Any
TINY = 1e-7


class AnchorLoss(keras.losses.Loss):
    """Focal loss of the classes plus smooth L1 of the boxes, of a picture by its matched anchors.

    Args:
        alpha: weight of an anchor's own class; 1 - alpha is that of all others.
        gamma: exponent by which what is certain counts less.
        box_weight: weight of the boxes' part.

    Reference:
        Lin et al., "Focal loss for dense object detection", 2017.
    """

    def __init__(
        self, alpha: float = 0.25, gamma: float = 2.0, box_weight: float = 1.0, **options: Any
    ) -> None:
        super().__init__(**{"name": "anchor_loss", **options})
        self.alpha, self.gamma, self.box_weight = alpha, gamma, box_weight

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Targets of ``AnchorCoding`` and outputs to a loss a picture, (N,)."""
        codes, labels = y_true[..., :4], y_true[..., 4]
        matched = ops.cast(labels >= 0, "float32")
        count = ops.maximum(ops.sum(matched, axis=1), 1.0)
        counted = ops.cast(labels >= -1, "float32")
        classes = y_pred.shape[-1] - 4
        own = ops.cast(labels[..., None] == ops.arange(classes, dtype="float32"), "float32")
        focal = ops.sum(focal_loss(own, y_pred[..., 4:], self.alpha, self.gamma), axis=2)
        boxes = ops.sum(smooth_l1(codes - y_pred[..., :4]), axis=2)
        parts = focal * counted + self.box_weight * boxes * matched
        return ops.sum(parts, axis=1) / count


def focal_loss(own: Tensor, logits: Tensor, alpha: float, gamma: float) -> Tensor:
    """Return -a (1 - q)^gamma log q of each logit, q the probability of what is true.

    Args:
        own: 1.0 where a class is the anchor's, else 0.0; its a is ``alpha``, the others' 1 - alpha.
        logits: of the same shape.
        alpha: see above.
        gamma: see above.
    """
    sign = 2.0 * own - 1.0
    loss = ops.softplus(-sign * logits)
    if gamma:
        loss = loss * ops.exp(-gamma * ops.softplus(sign * logits))  # (1 - q)^gamma, never 0^0
    return loss * (alpha * own + (1.0 - alpha) * (1.0 - own))


def smooth_l1(difference: Tensor) -> Tensor:
    """Return d² / 2 up to 1, then |d| - 1/2 (Girshick, "Fast R-CNN", 2015)."""
    size = ops.abs(difference)
    return ops.where(size < 1.0, 0.5 * difference * difference, size - 0.5)


class GridLoss(keras.losses.Loss):
    """The squares of a grid detector: of a cell's box, its confidence and its classes.

    Of the boxes of a cell the one that overlaps the true one most learns it, and its confidence
    becomes their IoU; that of all others becomes 0.

    Args:
        per_cell: boxes of a cell, B.
        box_weight: of middle and sides.
        empty_weight: of the confidence of boxes that hold nothing.

    Reference:
        Redmon et al., "You only look once", 2015, equation 3.
    """

    def __init__(
        self, per_cell: int, box_weight: float = 5.0, empty_weight: float = 0.5, **options: Any
    ) -> None:
        super().__init__(**{"name": "grid_loss", **options})
        self.per_cell, self.box_weight, self.empty_weight = per_cell, box_weight, empty_weight

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Targets of ``GridCoding`` and outputs to a loss a picture, (N,)."""
        full, true = y_true[..., :1], y_true[..., None, 1:5]
        count = self.per_cell
        found = ops.reshape(y_pred[..., : 5 * count], (*ops.shape(y_pred)[:3], count, 5))
        confidence, boxes = found[..., 0], found[..., 1:]
        cells = ops.convert_to_tensor([y_pred.shape[2], y_pred.shape[1]], "float32")
        overlap = ops.stop_gradient(_overlap(true, boxes, cells))
        chosen = full * ops.one_hot(ops.argmax(overlap, axis=-1), count)
        classes = ops.sum((y_true[..., 5:] - y_pred[..., 5 * count :]) ** 2, axis=-1, keepdims=True)
        parts = (
            self.box_weight * chosen * ops.sum((true - boxes) ** 2, axis=-1),
            chosen * (overlap - confidence) ** 2,
            self.empty_weight * (1.0 - chosen) * confidence**2,
            full * classes,
        )
        return sum(ops.sum(part, axis=(1, 2, 3)) for part in parts)


def _overlap(true: Tensor, found: Tensor, cells: Tensor) -> Tensor:
    """Return the IoU of boxes of one cell, written as ``GridCoding`` does."""
    corners = []
    for boxes in (true, found):
        middle, half = boxes[..., :2] / cells, boxes[..., 2:] ** 2 / 2
        corners.append(ops.concatenate([middle - half, middle + half], axis=-1))
    return paired_overlap(*corners)


def paired_overlap(one: Tensor, other: Tensor, *, generalized: bool = False) -> Tensor:
    """Return the IoU, 0 to 1, of boxes (…, 4) in pairs; generalized: -1 to 1.

    Reference:
        Rezatofighi et al., "Generalized intersection over union", 2019.
    """
    low, high, other_low, other_high = (
        each[..., part] for each in (one, other) for part in (slice(2), slice(2, 4))
    )
    inner = _area(ops.maximum(low, other_low), ops.minimum(high, other_high))
    union = _area(low, high) + _area(other_low, other_high) - inner
    overlap = inner / (union + TINY)
    if not generalized:
        return overlap
    hull = _area(ops.minimum(low, other_low), ops.maximum(high, other_high))
    return overlap - (hull - union) / (hull + TINY)


def _area(low: Tensor, high: Tensor) -> Tensor:
    return ops.prod(ops.maximum(high - low, 0.0), axis=-1)
