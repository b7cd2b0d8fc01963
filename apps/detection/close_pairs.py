"""Pairs of boxes that overlap, found without comparing all with all."""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from sightkit.apps.detection.boxes import box_areas

MOST, SAMPLE = 100, 100
"""Neighbours that a box may have on average, and boxes of which they are counted."""
ENOUGH = 250
"""Boxes of alike sides, a group, from which on the search is faster than comparing all."""
LEAST = 0.2
"""Overlap below which nearness says little."""


def close_pairs(boxes: np.ndarray, overlap: float) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the pairs of boxes that overlap by more than ``overlap``.

    Where intersection by union is above t, so is that of both widths alone, and of both heights:
    no corner is farther than (1 - t)·S from that of the other box, S being the longest side of the
    two, and the shorter box has a side of t·S at least. So boxes are searched in groups of alike
    sides, as points of four dimensions.

    Args:
        boxes: (N, 4).
        overlap: intersection over union.

    Returns:
        (first, second), int64 (P,) each, first below second; a pair may occur twice. None where
        comparing all is faster: there are few boxes, or crowds, or ``overlap`` is below 0.2.
    """
    if not LEAST <= overlap < 1 or not len(boxes) or len(boxes) < ENOUGH:
        return None
    boxes = boxes.astype(np.float64)
    sides = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    groups = 1 - np.log(sides.max() / max(sides.min(), 1e-9)) / np.log(min(overlap, 0.99))
    if len(boxes) < ENOUGH * groups:
        return None
    found = [np.zeros((0, 2), np.int64)]
    longest = sides.max()
    while longest > 0:
        rows = np.flatnonzero((sides <= longest) & (sides >= overlap**2 * longest))
        tree = KDTree(boxes[rows], leafsize=32, balanced_tree=False, compact_nodes=False)
        radius = (1 - overlap) * longest * (1 + 1e-9)
        some = boxes[rows[:: len(rows) // SAMPLE + 1]]
        near = tree.query_ball_point(some, radius, p=np.inf, return_length=True)
        if np.mean(near) > MOST:
            return None
        found.append(rows[tree.query_pairs(radius, p=np.inf, output_type="ndarray")])
        longest = sides[sides < overlap * longest].max(initial=0)
    first, second = np.sort(np.concatenate(found), axis=1).T
    exceeding = _overlaps(boxes[first], boxes[second]) > overlap
    return first[exceeding], second[exceeding]


def _overlaps(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return intersection over union of each pair, (P,)."""
    sides = np.minimum(first[:, 2:], second[:, 2:]) - np.maximum(first[:, :2], second[:, :2])
    common = sides.clip(min=0).prod(axis=1)
    union = box_areas(first) + box_areas(second) - common
    return common / np.maximum(union, 1e-300)
