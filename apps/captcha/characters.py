"""Cut the characters out of a captcha: dark connected shapes on a light ground, left to right."""

from __future__ import annotations

import cv2
import numpy as np

MARGIN = 5
"""Pixels of ground around a character's shape, as in the book's data: 15 pixels become 25."""
BORDER = 8
"""Pixels by which the book replicates a captcha's border before it chooses the threshold; without
it 8 of 800 characters of E-ZPass get another box."""
SPECK = 0.5
"""Share of the tallest shape's height below which a shape is a speck, no character."""
WIDEST = 1.0
"""Times its height: where a character is missing, a shape that is wider is two that touch."""


def character_boxes(image: np.ndarray, count: int = 4) -> np.ndarray:
    """Find the characters of a captcha by their contours, thresholded by Otsu's method.

    Where fewer shapes than ``count`` are found, the widest is divided where it has the least ink,
    as long as it is too wide for one character. Their number may still be another: it is what was
    found, for the caller to report.

    Args:
        image: uint8 RGB (H, W, 3), or grey (H, W, 1).
        count: characters that the captcha should have.

    Returns:
        int64 (N, 4), ``[x0, y0, x1, y1]`` in pixels, x1 and y1 exclusive, from left to right; none
        where the picture is of one colour.
    """
    ink = _ink(image)
    contours, _ = cv2.findContours(ink, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    shapes = [cv2.boundingRect(contour) for contour in contours]
    boxes = [(x, y, x + width, y + height) for x, y, width, height in shapes]
    tallest = max((y1 - y0 for _, y0, _, y1 in boxes), default=0)
    boxes = [box for box in boxes if box[3] - box[1] >= SPECK * tallest]
    while len(boxes) < count and (wide := _widest(boxes)):
        boxes.remove(wide)
        boxes.extend(_divided(ink, wide))
    return np.array(sorted(boxes), np.int64).reshape(-1, 4)


def cut_characters(image: np.ndarray, count: int = 4) -> list[np.ndarray]:
    """Cut the characters out of a captcha, each with a margin of ground around it.

    The picture's border is replicated where a margin goes beyond it.

    Args:
        image: uint8 RGB (H, W, 3), or grey (H, W, 1).
        count: characters that the captcha should have; see ``character_boxes``.

    Returns:
        uint8 grey (h, w, 1), from left to right, each of its own size.
    """
    grey = np.pad(_grey(image), MARGIN, mode="edge")
    return [
        grey[y0 : y1 + 2 * MARGIN, x0 : x1 + 2 * MARGIN, None].copy()
        for x0, y0, x1, y1 in character_boxes(image, count).tolist()
    ]


def _grey(image: np.ndarray) -> np.ndarray:
    return image[..., 0] if image.shape[-1] == 1 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)


def _ink(image: np.ndarray) -> np.ndarray:
    """Return 255 where a picture is dark, else 0, (H, W)."""
    grey = _grey(image)
    if np.ptp(grey) == 0:  # Otsu's threshold would be that one value
        return np.zeros_like(grey)
    threshold, _ = cv2.threshold(np.pad(grey, BORDER, mode="edge"), 0, 255, cv2.THRESH_OTSU)
    return np.where(grey > threshold, 0, 255).astype(np.uint8)


def _widest(boxes: list[tuple[int, int, int, int]]) -> tuple[int, int, int, int] | None:
    """Return the widest box, if it is too wide for one character."""
    box = max(boxes, key=lambda box: box[2] - box[0], default=None)
    return box if box and box[2] - box[0] > WIDEST * (box[3] - box[1]) else None


def _divided(ink: np.ndarray, box: tuple[int, int, int, int]) -> list[tuple[int, int, int, int]]:
    """Divide a box at the column of least ink in its middle third; each part fits its own ink."""
    x0, y0, x1, y1 = box
    columns = np.count_nonzero(ink[y0:y1, x0:x1], axis=0)
    third = (x1 - x0) // 3
    cut = x0 + third + int(np.argmin(columns[third : x1 - x0 - third]))
    parts = []
    for left, right in ((x0, cut), (cut, x1)):
        x, y, width, height = cv2.boundingRect(ink[y0:y1, left:right])
        parts.append((left + x, y0 + y, left + x + width, y0 + y + height))
    return parts
