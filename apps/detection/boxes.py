"""Boxes: float32 (N, 4), ``[x0, y0, x1, y1]`` in pixels, x1 and y1 exclusive.

A box around a whole picture of width W and height H is ``[0, 0, W, H]``, its area W·H.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sightkit._errors import SightkitError, few

FAULTS = ("not finite", "swapped corners", "zero area", "negative", "outside")
"""What a box may not be; one that has several faults counts as the first."""


def checked_boxes(boxes: Any, size: tuple[int, int] | None = None) -> np.ndarray:
    """Return boxes as float32 (N, 4), each with an area, in its picture.

    Args:
        boxes: (N, 4), or an empty list.
        size: (height, width) of the picture; without it no box is outside on the right or below.

    Raises:
        SightkitError: another shape, or a box with one of ``FAULTS``; named by index.
    """
    boxes = as_boxes(boxes)
    faults = box_faults(boxes, size)
    if faults:
        named = {
            fault.replace(" ", "_"): f"boxes {few([str(index) for index in indices])}"
            for fault, indices in faults.items()
        }
        raise SightkitError(
            "A box must be [x0, y0, x1, y1] in pixels with x0 < x1 and y0 < y1, inside its "
            "picture.",
            "Correct these boxes, leave them out, or cut them with clip_boxes.",
            **named,
            **({} if size is None else {"size": size}),
        )
    return boxes


def as_boxes(boxes: Any) -> np.ndarray:
    """Return boxes as float32 (N, 4), whatever they hold.

    Raises:
        SightkitError: another shape, or no numbers.
    """
    try:
        with np.errstate(over="ignore"):  # beyond float32 is infinite, a fault that is reported
            array = np.asarray(boxes, np.float32)
    except (TypeError, ValueError) as error:
        raise SightkitError("Boxes must be numbers, (N, 4).") from error
    if array.size == 0:
        array = array.reshape(0, 4)
    if array.ndim != 2 or array.shape[1] != 4:
        raise SightkitError(
            "Boxes must be (N, 4): one row [x0, y0, x1, y1] a box.", shape=array.shape
        )
    return array


def box_faults(boxes: np.ndarray, size: tuple[int, int] | None = None) -> dict[str, np.ndarray]:
    """Return the indices of the boxes, (N, 4), that have a fault of ``FAULTS``, by fault."""
    x0, y0, x1, y1 = boxes.T
    height, width = (np.inf, np.inf) if size is None else size
    tests = (
        ~np.isfinite(boxes).all(axis=1),
        (x1 < x0) | (y1 < y0),
        (x1 == x0) | (y1 == y0),
        (x0 < 0) | (y0 < 0),
        (x1 > width) | (y1 > height),
    )
    first = np.select(tests, range(len(tests)), -1)
    found = {fault: np.flatnonzero(first == index) for index, fault in enumerate(FAULTS)}
    return {fault: indices for fault, indices in found.items() if len(indices)}


def box_areas(boxes: np.ndarray) -> np.ndarray:
    """Return the areas, float64 (N,), of boxes (N, 4); 0 where corners are swapped."""
    sides = boxes[:, 2:].astype(np.float64) - boxes[:, :2]
    return sides.clip(min=0).prod(axis=1)


def intersections(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the common areas, float64 (N, M), of boxes (N, 4) and (M, 4)."""
    first, second = first.astype(np.float64)[:, None], second.astype(np.float64)[None]
    sides = np.minimum(first[..., 2:], second[..., 2:]) - np.maximum(
        first[..., :2], second[..., :2]
    )
    return sides.clip(min=0).prod(axis=2)


def intersection_over_union(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the overlap of each pair of boxes: common area by area of both together.

    Args:
        first: (N, 4).
        second: (M, 4).

    Returns:
        float64 (N, M), 0 to 1; 0 of boxes without an area.
    """
    common = intersections(first, second)
    union = box_areas(first)[:, None] + box_areas(second)[None] - common
    return np.divide(common, union, out=np.zeros_like(common), where=union > 0)


def clip_boxes(boxes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return boxes cut at the borders of a picture, (height, width).

    A box that was outside has no area then.
    """
    height, width = size
    return np.clip(boxes, 0, np.array([width, height, width, height], boxes.dtype))
