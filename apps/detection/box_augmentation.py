"""Random variation of a training picture whose boxes move with its pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from sightkit._errors import SightkitError
from sightkit.apps.detection.boxes import box_areas, clip_boxes
from sightkit.apps.detection.letterbox import GREY, Letterbox

Views = Literal["upright", "any"]
SMALLEST = 2.0
"""Pixels that a box must have on each side to be kept."""


@dataclass(frozen=True)
class BoxAugmentation:
    """Mirror, turn, zoom, stretch, move and tint: a pure function of picture and generator.

    Args:
        views: ``"upright"``: mirrored left to right; ``"any"``: also upside down and turned by 90°,
            for pictures without an above, as those of a microscope.
        zoom: least and largest factor of the size, drawn evenly in its logarithm.
        stretch: largest factor between the two sides' zooms.
        tint: largest change of each channel's gain, and of the brightness as a share of 255.
        visible: share of its area that must be left of a box that is cut off.

    Raises:
        SightkitError: a number out of range.
    """

    views: Views = "upright"
    zoom: tuple[float, float] = (0.7, 1.4)
    stretch: float = 1.15
    tint: float = 0.15
    visible: float = 0.3

    def __post_init__(self) -> None:
        low, high = self.zoom
        fine = (
            0 < low <= high and self.stretch >= 1 and 0 <= self.tint < 1 and 0 < self.visible <= 1
        )
        if not fine or self.views not in ("upright", "any"):
            raise SightkitError(
                "Augmentation needs 0 < zoom from low to high, stretch from 1 on, tint from 0 to "
                'below 1, visible above 0 up to 1, and views "upright" or "any".',
                zoom=self.zoom,
                stretch=self.stretch,
                tint=self.tint,
                visible=self.visible,
                views=self.views,
            )

    def __call__(
        self,
        image: np.ndarray,
        boxes: np.ndarray,
        labels: np.ndarray,
        canvas: Letterbox,
        rng: np.random.Generator,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return a canvas of the picture, and the boxes that are left with their labels.

        Args:
            image: uint8 (H, W, 3), in the size that it has on the canvas.
            boxes: float32 (N, 4) in its pixels.
            labels: int64 (N,).
            canvas: what the network takes.
            rng: source of all randomness.
        """
        linear = self._linear(rng)
        corners = linear @ np.array([[0, image.shape[1]], [0, image.shape[0]]], np.float64)
        low, extent = corners.min(axis=1), np.abs(corners[:, 1] - corners[:, 0])
        room = np.array([canvas.width, canvas.height]) - extent
        shift = rng.uniform(np.minimum(room, 0), np.maximum(room, 0)) - low
        moved = _moved(boxes, linear, shift)
        inside = clip_boxes(moved, (canvas.height, canvas.width))
        sides = inside[:, 2:] - inside[:, :2]
        shares = box_areas(inside) / np.maximum(box_areas(moved), 1e-9)
        kept = (shares >= self.visible) & (sides >= SMALLEST).all(axis=1)
        # OpenCV counts from the middles of pixels, boxes from their edges.
        shift = shift + (linear @ np.full(2, 0.5)) - 0.5
        size = (canvas.width, canvas.height)
        drawn = cv2.warpAffine(
            image, np.column_stack([linear, shift]), size,
            flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(GREY,) * 3,
        )  # fmt: skip
        return self._tinted(drawn, rng), inside[kept], labels[kept]

    def _linear(self, rng: np.random.Generator) -> np.ndarray:
        """Return the 2x2 matrix of mirroring, turning, zoom and stretch."""
        zoom = np.exp(rng.uniform(*np.log(self.zoom)))
        ratio = np.exp(rng.uniform(-0.5, 0.5) * np.log(self.stretch))
        mirror = rng.choice([-1.0, 1.0], 2)
        turned = rng.random() < 0.5
        if self.views == "upright":
            mirror[1], turned = 1.0, False
        linear = np.diag(mirror * zoom * np.array([ratio, 1 / ratio]))
        return linear[:, ::-1] if turned else linear

    def _tinted(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        gains = 1 + self.tint * rng.uniform(-1, 1, 3)
        offset = 255 * self.tint * rng.uniform(-1, 1)
        shades = (np.arange(256)[:, None] - GREY) * gains + GREY + offset
        return cv2.LUT(image, shades.clip(0, 255).astype(np.uint8)[None])


def _moved(boxes: np.ndarray, linear: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Return the boxes around the moved corners of boxes; turns by 90° keep them tight."""
    first, second = (boxes[:, corner : corner + 2] @ linear.T + shift for corner in (0, 2))
    corners = np.minimum(first, second), np.maximum(first, second)
    return np.concatenate(corners, axis=1).astype(np.float32)
