"""Frontal faces by OpenCV's cascade of Haar features: no network, no training."""

from __future__ import annotations

import functools
from pathlib import Path

import cv2
import numpy as np

from sightkit._errors import SightkitError
from sightkit.apps.detection.boxes import clip_boxes
from sightkit.apps.detection.detections import Detections
from sightkit.preprocessing import GrayscalePreprocessor, SimplePreprocessor

CASCADE = "haarcascade_frontalface_default.xml"
FACE = "face"


def find_faces(
    image: np.ndarray,
    *,
    longest: int = 800,
    scale: float = 1.1,
    neighbours: int = 5,
    smallest: int = 30,
) -> Detections:
    """Find upright frontal faces.

    Args:
        image: uint8 (H, W, 3) RGB, or (H, W, 1).
        longest: pixels to which the longest side is reduced before: the time falls with its square.
        scale: from one size of faces to the next, above 1.
        neighbours: windows that must agree on a face: fewer find more, also what is none.
        smallest: side of the smallest face, pixels of the reduced picture.

    Returns:
        Squares in pixels of ``image``. A cascade knows no probability: the score is n / (n +
        neighbours) of n windows that agree, 0.5 for as many as are needed.

    Raises:
        SightkitError: an argument out of range.

    Reference:
        Viola, Jones, "Rapid object detection using a boosted cascade of simple features", 2001;
        OpenCV's cascade of 25 stages, by Rainer Lienhart.
    """
    if not scale > 1 or min(longest, neighbours, smallest) < 1:
        raise SightkitError(
            "scale must be above 1, the other numbers at least 1.",
            scale=scale, longest=longest, neighbours=neighbours, smallest=smallest,
        )  # fmt: skip
    height, width = image.shape[:2]
    factor = max(1.0, max(height, width) / longest)
    reduced = SimplePreprocessor(max(1, round(width / factor)), max(1, round(height / factor)))
    grey = reduced(GrayscalePreprocessor()(image))[..., 0]
    found, counts = _cascade().detectMultiScale2(
        grey, scaleFactor=scale, minNeighbors=neighbours, minSize=(smallest, smallest)
    )
    corners = np.asarray(found, np.float32).reshape(-1, 4)
    corners[:, 2:] += corners[:, :2]
    boxes = clip_boxes(corners * np.float32(factor), (height, width))
    agreeing = np.asarray(counts, np.float32).reshape(-1)
    scores = agreeing / (agreeing + neighbours)
    return Detections(boxes, scores, np.zeros(len(boxes), np.int64), (FACE,))


@functools.cache
def _cascade() -> cv2.CascadeClassifier:
    path = Path(cv2.__file__).parent / "data" / CASCADE
    cascade = cv2.CascadeClassifier(str(path))
    if cascade.empty():
        raise SightkitError(
            "OpenCV's frontal face cascade must be installed with it.",
            "Uninstall opencv-python and install it again.",
            path=str(path),
        )
    return cascade
