"""Cross-entropy of pixels, weighted by class; those that are not counted weigh nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from sightkit.apps.generative.mask_classes import IGNORED


class PixelCrossEntropy(keras.losses.Loss):
    """The mean of -w log p over the pixels of a picture, then over pictures.

    Args:
        weights: of each class; places from ``len(weights)`` on, what is not counted, have none.
    """

    def __init__(self, weights: Sequence[float]) -> None:
        super().__init__(name="pixel_cross_entropy")
        self.weights = np.array([*weights, 0.0], np.float32)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return (N,) of int (N, H, W) and probabilities (N, H, W, classes)."""
        y_true = ops.cast(y_true, "int32")
        weights = ops.take(ops.convert_to_tensor(self.weights), y_true)
        known = ops.minimum(y_true, len(self.weights) - 2)
        losses = weights * ops.sparse_categorical_crossentropy(known, y_pred)
        total = ops.maximum(ops.sum(weights, axis=(1, 2)), 1e-6)
        return ops.sum(losses, axis=(1, 2)) / total


def balanced_weights(labels: Sequence[np.ndarray], classes: int) -> list[float]:
    """Return the square root of (median share of a class / its share), 0 where a class is absent.

    The root of Eigen and Fergus' median frequency balancing: the whole of it makes poles of skies.
    """
    counts = sum(
        np.bincount(each[each != IGNORED].ravel(), minlength=classes)[:classes] for each in labels
    )
    shares = np.asarray(counts, np.float64) / max(1, np.sum(counts))
    middle = np.median(shares[shares > 0])
    with np.errstate(divide="ignore"):
        return np.where(shares > 0, np.sqrt(middle / shares), 0).tolist()
