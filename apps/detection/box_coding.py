"""Boxes as an anchor detector learns them: matched to anchors, written relative to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sightkit.apps.detection.anchors import MATCHED, Anchors
from sightkit.apps.detection.boxes import intersection_over_union

UNMATCHED = 0.4
"""IoU below which an anchor is background; between the two it is left out of the loss."""
VARIANCES = np.array([0.1, 0.1, 0.2, 0.2], np.float32)
"""What codes are divided by, so that they are of the size of 1 (Faster R-CNN, SSD)."""
MOST = float(np.log(1000 / 16))
"""Largest exponent of a decoded side, as in Faster R-CNN: none becomes infinite."""
PRIOR = 0.01
"""Nearly all anchors are background, whose number would drown the others at first (RetinaNet)."""
CERTAIN = 10.0
"""Logit of what is surely there."""
BACKGROUND, LEFT_OUT = -1, -2


@dataclass(frozen=True)
class AnchorCoding:
    """What an anchor detector's output means: a row an anchor, (A, 4 + classes).

    Of each row the first four numbers are the code of a box, the others a logit a class.

    Args:
        anchors: of the canvas.
        classes: number of classes.
        prior: probability of every class that the network begins with.
    """

    anchors: Anchors
    classes: int
    prior: float = PRIOR

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Shape of the network's output for a picture."""
        return self.anchors.count, 4 + self.classes

    def encode(self, boxes: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Return the target of a picture: float32 (A, 5), code and label of each anchor.

        An anchor is that box's with which its IoU is the highest, from 0.5 on; each box has its
        best anchor in any case. Labels below 0: background, and left out of the loss.

        Args:
            boxes: float32 (N, 4) on the canvas.
            labels: int64 (N,).
        """
        anchors = self.anchors.boxes
        target = np.zeros((len(anchors), 5), np.float32)
        target[:, 4] = BACKGROUND
        if not len(boxes):
            return target
        overlap = intersection_over_union(boxes, anchors)
        best = overlap.max(axis=0)
        nearest = overlap.argmax(axis=0)
        target[best >= UNMATCHED, 4] = LEFT_OUT
        own = overlap.argmax(axis=1)
        nearest[own] = np.arange(len(boxes))
        matched = best >= MATCHED
        matched[own] = overlap[np.arange(len(boxes)), own] > 0
        target[matched, 4] = labels[nearest[matched]]
        target[matched, :4] = encode_boxes(boxes[nearest[matched]], anchors[matched])
        return target

    def decode(self, output: np.ndarray, least_score: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """Return boxes on the canvas, float32 (R, 4), and scores, float32 (R, classes).

        Of all anchors, or of those alone with a score of ``least_score``: few of 20,000.
        """
        least = np.log(least_score / (1 - least_score)) if 0 < least_score < 1 else -np.inf
        (rows,) = np.nonzero(output[:, 4:].max(axis=1) >= least)
        scores = 1 / (1 + np.exp(-np.clip(output[rows, 4:], -60, 60)))
        return decode_boxes(output[rows, :4], self.anchors.boxes[rows]), scores

    def unreachable(self, boxes: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Return which boxes of a picture the coding cannot hold well, bool (N,)."""
        return self.anchors.best_overlap(boxes) < MATCHED

    def loss(self, **options: Any) -> Any:
        """Return the loss of this coding."""
        from sightkit.apps.detection.detector_losses import AnchorLoss

        return AnchorLoss(**options)

    def perfect_output(self, target: np.ndarray) -> np.ndarray:
        """Return the output that a target asks for: its codes, and certain answers."""
        output = np.full((len(target), 4 + self.classes), -CERTAIN, np.float32)
        output[:, :4] = target[:, :4]
        (rows,) = np.nonzero(target[:, 4] >= 0)
        output[rows, 4 + target[rows, 4].astype(int)] = CERTAIN
        return output

    def prior_output(self) -> np.ndarray:
        """Return what the network gives before it has learned: the anchors, and the prior."""
        output = np.zeros(self.output_shape, np.float32)
        output[:, 4:] = np.log(self.prior / (1 - self.prior))
        return output


def encode_boxes(boxes: np.ndarray, anchors: np.ndarray) -> np.ndarray:
    """Write boxes relative to anchors: float32 (N, 4), shifts and logarithms of the sides' ratios.

    Reference:
        Ren et al., "Faster R-CNN", 2015, equation 2.
    """
    middle, sides = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    around, size = (anchors[:, :2] + anchors[:, 2:]) / 2, anchors[:, 2:] - anchors[:, :2]
    codes = np.concatenate([(middle - around) / size, np.log(sides / size)], axis=1)
    return (codes / VARIANCES).astype(np.float32)


def decode_boxes(codes: np.ndarray, anchors: np.ndarray) -> np.ndarray:
    """Return the boxes of codes, float32 (N, 4): what ``encode_boxes`` began with."""
    codes = codes * VARIANCES
    around, size = (anchors[:, :2] + anchors[:, 2:]) / 2, anchors[:, 2:] - anchors[:, :2]
    middle = around + codes[:, :2] * size
    half = np.exp(np.minimum(codes[:, 2:], MOST)) * size / 2
    return np.concatenate([middle - half, middle + half], axis=1).astype(np.float32)
