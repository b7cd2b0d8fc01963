"""Non-maxima suppression: of boxes that overlap, the one with the highest score."""

from __future__ import annotations

import numpy as np

from sightkit._errors import SightkitError
from sightkit.apps.detection.boxes import as_boxes
from sightkit.apps.detection.close_pairs import close_pairs

ROUNDING = 1e-6
"""It is computed in float32: an overlap that is equal to the limit must not be above it."""
BLOCK, AT_ONCE = 32, 1024
"""Boxes that are compared at once with the next so many: what is computed stays in the cache."""
MANY = 100
"""Boxes a class, on average, from which on each class is gone through alone."""
SPREAD = 2
"""Boxes that one drops on average, below which near ones are searched for."""


def non_maxima_suppression(
    boxes: np.ndarray,
    scores: np.ndarray,
    labels: np.ndarray | None = None,
    overlap: float = 0.5,
) -> np.ndarray:
    """Return the indices of the boxes to keep, by falling score, of equal scores by index.

    Greedy: the box with the highest score is kept, all that overlap it by more than ``overlap`` are
    dropped, and so on with the rest: as OpenCV's ``dnn.NMSBoxes``, which takes scores above 0
    alone. (imutils' function of that name divides by the area of the other box alone, drops too
    many, and sorts by the lower edge where it gets no scores.)

    Args:
        boxes: float (N, 4), ``[x0, y0, x1, y1]``.
        scores: float (N,), any numbers: probabilities or margins.
        labels: int (N,): boxes of different classes do not suppress each other; None makes all of
            them one class.
        overlap: intersection over union, 0 to 1, that two boxes may have (to 1e-6).

    Returns:
        int64 (K,).

    Raises:
        SightkitError: lengths that differ, a score or an edge that is NaN or infinite.
    """
    boxes, scores = as_boxes(boxes), np.asarray(scores, np.float32)
    _require_valid(boxes, scores, labels, overlap)
    order = np.argsort(-scores, kind="stable")
    boxes = boxes[order]
    if labels is None:
        return order[_kept(boxes, None, overlap)]
    classes = np.asarray(labels)[order]
    names = np.unique(classes)
    if len(order) < MANY * len(names):
        return order[_kept(boxes, classes, overlap)]
    kept = np.zeros(len(order), bool)
    for rows in (np.flatnonzero(classes == name) for name in names):
        kept[rows[_kept(boxes[rows], None, overlap)]] = True
    return order[kept]


def _require_valid(
    boxes: np.ndarray, scores: np.ndarray, labels: np.ndarray | None, overlap: float
) -> None:
    if scores.shape != (len(boxes),) or (labels is not None and len(labels) != len(boxes)):
        raise SightkitError(
            "Each box must have a score, and a label where labels are given.",
            boxes=len(boxes), scores=scores.shape, labels=None if labels is None else len(labels),
        )  # fmt: skip
    if not 0 <= overlap <= 1:
        raise SightkitError("overlap must be from 0 to 1.", "Give 0.5.", overlap=overlap)
    for name, values in (("score", scores), ("box", boxes)):
        if not np.isfinite(values).all():
            index = int(np.flatnonzero(~np.isfinite(values.reshape(len(boxes), -1)).all(axis=1))[0])
            raise SightkitError(
                f"A {name} must not be nan or infinite.", index=index, value=values[index].tolist()
            )


def _kept(boxes: np.ndarray, classes: np.ndarray | None, overlap: float) -> np.ndarray:
    """Return the places of the boxes to keep, rising; boxes (N, 4) come by falling score.

    Block by block: what is kept of a block is compared with all that follow it, at once.
    """
    columns = np.empty((5 if classes is None else 6, len(boxes)), np.float32)
    columns[:4] = boxes.T
    # Intersection by union is above t where intersection is above t / (1 + t) of both areas' sum.
    share = np.float32((overlap + ROUNDING) / (1 + overlap + ROUNDING))
    columns[4] = (columns[2] - columns[0]) * (columns[3] - columns[1]) * share
    if classes is not None:
        columns[5] = classes
    places, kept, search = np.arange(len(boxes)), [], True
    while len(places):
        block, rest = columns[:, :BLOCK], columns[:, BLOCK:]
        first, second = np.nonzero(np.triu(_exceeding(block, block), 1))
        own = _resolved(block.shape[1], first, second)
        kept.append(places[own])
        left = np.ones(rest.shape[1], bool)
        for start in range(0, len(left), AT_ONCE):
            some = slice(start, start + AT_ONCE)
            left[some] = ~_exceeding(block[:, own], rest[:, some]).any(axis=0)
        places, columns = places[BLOCK:][left], rest[:, left]
        dropped = len(left) - len(places)
        if classes is None and search and dropped < SPREAD * len(own):
            pairs, search = close_pairs(boxes[places], overlap + ROUNDING), False
            if pairs is not None:
                kept.append(places[_resolved(len(places), *pairs)])
                break
    return np.concatenate(kept) if kept else places


def _exceeding(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return which pairs overlap too much, bool (K, R).

    Both are rows of edges, of scaled areas, and of classes where there are several.
    """
    width = np.minimum(first[2][:, None], second[2])
    width -= np.maximum(first[0][:, None], second[0])
    height = np.minimum(first[3][:, None], second[3])
    height -= np.maximum(first[1][:, None], second[1])
    common = np.maximum(width, 0, out=width)
    common *= np.maximum(height, 0, out=height)
    exceeding = common > np.add(first[4][:, None], second[4], out=height)
    for column in range(5, len(first)):
        exceeding &= first[column][:, None] == second[column]
    return exceeding


def _resolved(count: int, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the places to keep, of pairs of which the second yields where the first is kept.

    In rounds: what no undecided box precedes is kept, and what it precedes is dropped.
    """
    undecided, kept = np.ones(count, bool), np.zeros(count, bool)
    while True:
        preceded = np.zeros(count, bool)
        preceded[second] = True
        now = undecided & ~preceded
        kept |= now
        undecided &= ~now
        undecided[second[now[first]]] = False
        if not undecided.any():
            return np.flatnonzero(kept)
        left = undecided[first] & undecided[second]
        first, second = first[left], second[left]
