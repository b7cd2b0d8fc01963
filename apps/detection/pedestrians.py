"""Upright people by histograms of gradients and a linear SVM: OpenCV's own detector."""

from __future__ import annotations

import functools

import cv2
import numpy as np
from scipy.special import expit

from sightkit._errors import SightkitError
from sightkit.apps.detection.boxes import clip_boxes
from sightkit.apps.detection.detections import Detections
from sightkit.apps.detection.suppression import non_maxima_suppression
from sightkit.apps.detection.windows import require_room
from sightkit.preprocessing import GrayscalePreprocessor

PERSON = "person"
WINDOW = (128, 64)
"""(height, width) of what the SVM was trained on: a person 96 high in a border of 16."""
STRIDE, PADDING = 8, 16
BORDER = 16
AGREEING = 2
"""Windows beside the best one that must agree, OpenCV's default: without, ten "people" are found in
a portrait of which four are left."""
OVERLAP = 0.3


def find_pedestrians(
    image: np.ndarray, *, scale: float = 1.05, threshold: float = 0.5
) -> Detections:
    """Find people who stand or walk, from about 100 pixels high on.

    Args:
        image: uint8 (H, W, 3) RGB, or (H, W, 1); 128x64 at least. Its greys are what is looked at.
        scale: from one size of people to the next, above 1; 1.05 takes 60 sizes for 20-fold.
        threshold: least score, from 0.5 on.

    Returns:
        Boxes around the people, without the border that the SVM sees around them, in pixels of
        ``image``. The score is the logistic function of the SVM's margin: 0.5 at the boundary, no
        probability.

    Raises:
        SightkitError: a picture smaller than a person's window, or an argument out of range.

    Reference:
        Dalal, Triggs, "Histograms of oriented gradients for human detection", 2005.
    """
    if not scale > 1 or not 0.5 <= threshold <= 1:
        raise SightkitError(
            "scale must be above 1, and threshold from 0.5 to 1.", scale=scale, threshold=threshold
        )
    require_room(image, WINDOW)
    grey = GrayscalePreprocessor()(image)[..., 0]
    found, margins = _detector().detectMultiScale(
        grey,
        winStride=(STRIDE, STRIDE),
        padding=(PADDING, PADDING),
        scale=scale,
        groupThreshold=AGREEING,
    )
    corners = np.asarray(found, np.float32).reshape(-1, 4)
    border = corners[:, 2:3] * (BORDER / WINDOW[1])
    boxes = np.concatenate(
        [corners[:, :2] + border, corners[:, :2] + corners[:, 2:] - border], axis=1
    )
    boxes = clip_boxes(boxes, image.shape[:2])
    scores = expit(np.asarray(margins, np.float32).reshape(-1))
    inside = (boxes[:, 2:] > boxes[:, :2]).all(axis=1) & (scores >= threshold)
    boxes, scores = boxes[inside], scores[inside]
    kept = non_maxima_suppression(boxes, scores, overlap=OVERLAP)
    return Detections(boxes[kept], scores[kept], np.zeros(len(kept), np.int64), (PERSON,))


@functools.cache
def _detector() -> cv2.HOGDescriptor:
    detector = cv2.HOGDescriptor()
    people = np.asarray(cv2.HOGDescriptor.getDefaultPeopleDetector(), np.float32)
    detector.setSVMDetector(people)
    return detector
