"""The average precision of a detector's network, while it is trained and afterwards."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from sightkit.apps.detection.average_precision import average_precision
from sightkit.apps.detection.detections import Detections
from sightkit.apps.detection.detector_batches import DetectionBatches
from sightkit.callbacks import StatefulCallback

OVERLAP = 0.5
"""IoU that makes a detection right: mAP@0.5."""
AP = "val_ap"
"""Name of the mean average precision among an epoch's logs; NaN where it was not computed."""


class AveragePrecisionMonitor(StatefulCallback):
    """Add the mean average precision (IoU 0.5) of the validation pictures to an epoch's logs.

    Args:
        validation: unshuffled, without augmentation.
        every: number of epochs between two looks; the last epoch is always looked at.
    """

    memory: ClassVar = ()

    def __init__(self, validation: DetectionBatches, every: int = 1) -> None:
        super().__init__()
        self.validation = validation
        self.every = every

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Compute it, or leave NaN."""
        last = epoch + 1 == (self.params or {}).get("epochs")
        value = math.nan
        if last or (epoch + 1) % self.every == 0:
            found = detect(self.model, self.validation)
            value = average_precision(self.validation.pictures, found, (OVERLAP,)).at(OVERLAP)
        if logs is not None:
            logs[AP] = value


def detect(network: Any, data: DetectionBatches) -> list[Detections]:
    """Return what a network finds in the pictures of unshuffled batches, in their order."""
    found = []
    annotations = iter(data.pictures.annotations)
    for index in range(len(data)):
        x, _ = data[index]
        outputs = np.asarray(network.predict_on_batch(x), np.float32)
        found += [data.setup.detections(output, next(annotations).size) for output in outputs]
    return found


def evaluate(network: Any, data: DetectionBatches) -> dict[str, Any]:
    """Return the average precision of a split as JSON, with its bootstrap interval (pictures)."""
    measured = average_precision(data.pictures, detect(network, data), (OVERLAP,))
    return {
        "pictures": len(data.pictures),
        "map_50": measured.at(OVERLAP),
        "map_50_interval": list(measured.intervals()["at"]),
        "classes": measured.table(),
    }
