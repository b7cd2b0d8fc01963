"""HOG and a linear SVM: a window is slid over a picture at all scales, one multiplication each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import cv2
import numpy as np
from scipy.special import expit

from sightkit._errors import SightkitError
from sightkit.apps.detection.boxes import clip_boxes
from sightkit.apps.detection.detections import Detections
from sightkit.apps.detection.photo_detector import PhotoDetector
from sightkit.apps.detection.suppression import non_maxima_suppression
from sightkit.io.threads import in_threads
from sightkit.training.classifier import Photo, decoded

CELL, BLOCK, BINS = 8, 16, 9
"""Pixels of a cell and of a block, and directions of a gradient (Dalal and Triggs 2005)."""
STEP = 1.1
"""From one scale to the next, as OpenCV's detector of faces."""
LONGEST = 800
"""Pixels of a picture's longer side: a larger one is shrunk before it is searched."""
OVERLAP = 0.3
"""Of two detections, at most."""
TOLERANCE = 1e-3
"""Of the canary's score."""


@dataclass(frozen=True)
class Hits:
    """Windows of one picture that a detector takes.

    Attributes:
        boxes: float32 (N, 4), ``[x0, y0, x1, y1]`` in pixels of the picture.
        margins: float32 (N,), signed distances to the SVM's plane, times the length of its normal.
        features: float32 (N, D), where they were requested; else (0, D).
    """

    boxes: np.ndarray
    margins: np.ndarray
    features: np.ndarray


@dataclass(frozen=True)
class HogDetector(PhotoDetector):
    """A linear SVM on histograms of oriented gradients; made by ``train_hog_svm``.

    Attributes:
        window: (height, width) in pixels, multiples of ``CELL``.
        coefficients: float32 (D,).
        intercept: of the SVM.
        sigmoid: slope and offset that turn a margin into a probability (Platt 1999).
        class_name: what it finds.
        description: all of bundle.json, of one that was loaded.

    Reference:
        Dalal and Triggs, "Histograms of oriented gradients for human detection", CVPR 2005.
    """

    window: tuple[int, int]
    coefficients: np.ndarray
    intercept: float
    sigmoid: tuple[float, float]
    class_name: str
    description: dict[str, Any] = field(default_factory=dict)
    changed: ClassVar[float] = TOLERANCE
    overlap: ClassVar[float] = OVERLAP

    @property
    def class_names(self) -> tuple[str]:
        """The one class."""
        return (self.class_name,)

    def _find(self, images: Sequence[Photo], least: float, overlap: float) -> list[Detections]:
        return [self._detections(image, least, overlap) for image in images]

    def probabilities(self, margins: np.ndarray) -> np.ndarray:
        """Return the probability, float32 (N,), for each margin."""
        slope, offset = self.sigmoid
        return expit(slope * margins.astype(np.float64) + offset).astype(np.float32)

    def hits(self, grey: np.ndarray, *, features: bool = False) -> Hits:
        """Return all windows of a grey picture, uint8 (H, W), on the object's side of the plane."""
        hog = descriptor_of(self.window)
        hog.setSVMDetector(np.append(self.coefficients, np.float32(self.intercept)))
        stride = (CELL, CELL)

        def search(level: tuple[np.ndarray, tuple[float, float]]) -> Hits:
            picture, (across, down) = level
            corners, margins = hog.detect(picture, hitThreshold=0, winStride=stride)
            corners = np.asarray(corners, np.float32).reshape(-1, 2)
            boxes = np.hstack([corners, corners + np.array(self.window[::-1], np.float32)])
            found = np.zeros((0, len(self.coefficients)), np.float32)
            if features and len(corners):
                places = [(int(x), int(y)) for x, y in corners]
                found = np.reshape(
                    hog.compute(picture, stride, locations=places), (len(corners), -1)
                )
            boxes *= np.array([across, down, across, down], np.float32)
            return Hits(boxes, np.asarray(margins, np.float32).ravel(), found)

        parts = [*in_threads(search, _scales(grey, self.window))]
        names = ("boxes", "margins", "features")
        return Hits(*(np.concatenate([getattr(each, name) for each in parts]) for name in names))

    def _detections(self, image: Photo, least_score: float, overlap: float) -> Detections:
        picture = decoded(image)
        grey, factor = shrunk_grey(picture)
        if any(side < least for side, least in zip(grey.shape, self.window, strict=True)):
            name = {} if isinstance(image, np.ndarray) else {"image": str(image)}
            raise SightkitError(
                "A picture must not be smaller than the detector's window (height, width).",
                "Enlarge it, or leave it out.",
                **name, size=grey.shape, window=self.window,
            )  # fmt: skip
        found = self.hits(grey)
        kept = non_maxima_suppression(found.boxes, found.margins, overlap=overlap)
        scores = self.probabilities(found.margins[kept])
        kept, scores = kept[scores >= least_score], scores[scores >= least_score]
        boxes = clip_boxes(found.boxes[kept] * np.float32(factor), picture.shape[:2])
        labels = np.zeros(len(kept), np.int64)
        return Detections(boxes, scores, labels, self.class_names)


def window_fits(window: Sequence[int]) -> bool:
    """Return whether a window can be searched for: (height, width), multiples of 8, 16 to 1024."""
    return len(window) == 2 and all(16 <= side <= 1024 and side % CELL == 0 for side in window)


def descriptor_of(window: tuple[int, int]) -> cv2.HOGDescriptor:
    """Return OpenCV's HOG for a window, (height, width), multiples of 8 from 16 on."""
    height, width = window
    cell, block = (CELL, CELL), (BLOCK, BLOCK)
    return cv2.HOGDescriptor((width, height), block, cell, cell, BINS)


def features_of(windows: Sequence[np.ndarray]) -> np.ndarray:
    """Return the HOG, float32 (N, D), of grey windows, uint8 (H, W), all of one size."""
    hog = descriptor_of(windows[0].shape)
    return np.stack([np.ravel(hog.compute(np.ascontiguousarray(window))) for window in windows])


def shrunk_grey(image: np.ndarray) -> tuple[np.ndarray, float]:
    """Return a picture, uint8 (H, W, 1 or 3) RGB, grey and shrunk to 800 pixels; and by how much.

    Returns:
        uint8 (h, w), and the pixels of the picture that one of these is.
    """
    grey = image[..., 0] if image.shape[2] == 1 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    factor = max(1.0, max(grey.shape) / LONGEST)
    if factor > 1:
        height, width = (max(1, round(side / factor)) for side in grey.shape)
        grey = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(grey), factor


def _scales(
    grey: np.ndarray, window: tuple[int, int]
) -> Iterator[tuple[np.ndarray, tuple[float, float]]]:
    """Yield a picture smaller and smaller, with the pixels that one of its own is, (x, y)."""
    scale = 1.0
    while all(side / scale >= least for side, least in zip(grey.shape, window, strict=True)):
        height, width = (int(side / scale) for side in grey.shape)
        level = cv2.resize(grey, (width, height), interpolation=cv2.INTER_LINEAR_EXACT)
        yield level, (grey.shape[1] / width, grey.shape[0] / height)
        scale *= STEP
