"""The loss of a localizer, and its measures while it is trained.

Targets are float32 (N, 5): the label, then ``[x0, y0, x1, y1]`` as shares of width and height;
outputs are those of ``Localizer``.
"""

from __future__ import annotations

from typing import Any, Literal

import keras
from keras import ops

from sightkit.apps.detection.detector_losses import paired_overlap, smooth_l1

BoxLoss = Literal["iou", "smooth_l1"]
BETA = 0.1
"""Share of the picture below which smooth L1 is quadratic."""


class LocalizationLoss(keras.losses.Loss):
    """Cross-entropy of the class, plus a loss of the true class's box.

    Args:
        classes: number of classes.
        box: ``"iou"``: 1 - generalized IoU, which grows with the distance of boxes that do not
            overlap too; or ``"smooth_l1"`` of the four edges.
        weight: of the box's loss.

    Reference:
        Rezatofighi et al., "Generalized intersection over union", 2019; smooth L1: Girshick, "Fast
        R-CNN", 2015.
    """

    def __init__(self, classes: int, box: BoxLoss = "iou", weight: float = 4.0) -> None:
        super().__init__(name="localization_loss")
        self.classes = classes
        self.box = box
        self.weight = weight

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each picture, (N,)."""
        labels, truth = ops.cast(y_true[:, 0], "int32"), y_true[:, 1:]
        crossentropy = keras.losses.sparse_categorical_crossentropy(
            labels, y_pred[:, : self.classes], from_logits=True
        )
        boxes = boxes_of(y_pred, labels, self.classes)
        if self.box == "iou":
            return crossentropy + self.weight * (1 - paired_overlap(truth, boxes, generalized=True))
        edges = BETA * smooth_l1((truth - boxes) / BETA)
        return crossentropy + self.weight * ops.sum(edges, axis=-1)


class MeanOverlap(keras.metrics.MeanMetricWrapper):
    """Mean IoU of the predicted class's box, as ``iou``."""

    def __init__(self, classes: int) -> None:
        def overlap(y_true: Any, y_pred: Any) -> Any:
            labels = ops.argmax(y_pred[:, :classes], axis=-1)
            return paired_overlap(y_true[:, 1:], boxes_of(y_pred, labels, classes))

        super().__init__(overlap, name="iou")


class ClassAccuracy(keras.metrics.MeanMetricWrapper):
    """Share of right classes, as ``accuracy``."""

    def __init__(self, classes: int) -> None:
        def right(y_true: Any, y_pred: Any) -> Any:
            found = ops.argmax(y_pred[:, :classes], axis=-1)
            return ops.cast(found, "int32") == ops.cast(y_true[:, 0], "int32")

        super().__init__(right, name="accuracy")


def boxes_of(outputs: Any, labels: Any, classes: int) -> Any:
    """Return the box, (N, 4), of each output: the only one, or that of a label."""
    boxes = ops.reshape(outputs[:, classes:], (ops.shape(outputs)[0], -1, 4))
    if outputs.shape[1] == classes + 4:
        return boxes[:, 0]
    index = ops.cast(ops.reshape(labels, (-1, 1, 1)), "int32")
    return ops.take_along_axis(boxes, index, axis=1)[:, 0]
