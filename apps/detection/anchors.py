"""Anchors: the boxes that a single-shot detector starts from, at every place of its pyramid."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sightkit._errors import SightkitError
from sightkit.apps.detection.boxes import intersection_over_union

STRIDES = (8, 16, 32)
"""Pixels between two places of each level, as the pyramid's builder takes them by default."""
MATCHED = 0.5
"""IoU from which on an anchor is a box's, and below which a box has none (RetinaNet)."""
PER_LEVEL = 9
ITERATIONS = 100


@dataclass(frozen=True)
class Anchors:
    """The anchors of a canvas: at each place of a level boxes of the same sizes around it.

    Args:
        size: (height, width) of the canvas, pixels.
        shapes: by level its stride, and the (width, height) of its boxes; every level has as many.

    Example:
        >>> Anchors((64, 64), ((32, ((30.0, 40.0),)),)).boxes[0].tolist()
        [1.0, -4.0, 31.0, 36.0]
    """

    size: tuple[int, int]
    shapes: tuple[tuple[int, tuple[tuple[float, float], ...]], ...]

    def __post_init__(self) -> None:
        counts = {len(shapes) for _, shapes in self.shapes}
        sides = [side for _, shapes in self.shapes for shape in shapes for side in shape]
        if len(counts) != 1 or 0 in counts or not min(sides) > 0:
            raise SightkitError(
                "Every level has the same number of anchors, whose sides are above 0.",
                "Let standard_anchors or proposed_anchors make them.",
                shapes=self.shapes,
            )

    @property
    def per_place(self) -> int:
        """Number of anchors at a place."""
        return len(self.shapes[0][1])

    @property
    def strides(self) -> tuple[int, ...]:
        """Stride of each level."""
        return tuple(stride for stride, _ in self.shapes)

    def places(self, stride: int) -> tuple[int, int]:
        """Return the (rows, columns) of a level."""
        return math.ceil(self.size[0] / stride), math.ceil(self.size[1] / stride)

    @property
    def count(self) -> int:
        """Number of all anchors."""
        return self.per_place * sum(math.prod(self.places(stride)) for stride in self.strides)

    @functools.cached_property
    def boxes(self) -> np.ndarray:
        """float32 (A, 4), level by level, row by row, in the order of the network's output."""
        levels = []
        for stride, shapes in self.shapes:
            rows, columns = self.places(stride)
            y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
            centres = (np.stack([x, y], -1).reshape(-1, 1, 2) + 0.5) * stride
            half = np.array(shapes, np.float32) / 2
            levels.append(np.concatenate([centres - half, centres + half], -1).reshape(-1, 4))
        return np.concatenate(levels)

    def best_overlap(self, boxes: np.ndarray) -> np.ndarray:
        """Return the IoU of each box with its best anchor, (N,); 0 where there are no boxes."""
        return intersection_over_union(boxes, self.boxes).max(axis=1, initial=0.0)


def require_strides(strides: Sequence[int]) -> None:
    """Raise unless strides can be those of a pyramid's levels."""
    powers = [2**k for k in range(3, 9)]
    if not strides or any(s not in powers for s in strides) or list(strides) != sorted({*strides}):
        raise SightkitError(
            "The strides of a pyramid's levels are rising powers of two, from 8 to 256.",
            "Give 8 16 32, or 8 16 32 64 for large things too.",
            strides=tuple(strides),
        )


def standard_anchors(size: tuple[int, int], strides: Sequence[int] = STRIDES) -> Anchors:
    """Return RetinaNet's nine a place: 4 strides wide, times 1, 2^(1/3), 2^(2/3), 1:2, 1:1, 2:1.

    Reference:
        Lin et al., "Focal loss for dense object detection", 2017.
    """
    scales = [2 ** (k / 3) for k in range(3)]
    shapes = [(s / math.sqrt(r), s * math.sqrt(r)) for s in scales for r in (0.5, 1.0, 2.0)]
    return Anchors(
        (size[0], size[1]),
        tuple(
            (stride, tuple((round(4 * stride * w, 2), round(4 * stride * h, 2)) for w, h in shapes))
            for stride in strides
        ),
    )


def proposed_anchors(
    boxes: np.ndarray,
    size: tuple[int, int],
    strides: Sequence[int] = STRIDES,
    per_place: int = PER_LEVEL,
    seed: int = 0,
) -> Anchors:
    """Return anchors whose sides are the centres of the boxes' sides, by k-means with 1 - IoU.

    A box is its level's whose standard anchors are of its size: each level's anchors are the
    centres of its boxes, and of a level without any the standard ones.

    Args:
        boxes: float32 (N, 4) on the canvas, of the training pictures.
        size: (height, width) of the canvas.
        strides: of the levels.
        per_place: anchors of a level.
        seed: of the first centres.

    Reference:
        Redmon and Farhadi, "YOLO9000: better, faster, stronger", 2017.
    """
    if not len(boxes):
        raise SightkitError("Anchors are proposed for boxes.", "Give training pictures with boxes.")
    sides = np.asarray(boxes, np.float64)[:, 2:] - np.asarray(boxes, np.float64)[:, :2]
    # Between two levels, 4 strides each, is the geometric mean.
    borders = [4 * math.sqrt(a * b) for a, b in itertools.pairwise(strides)]
    level_of = np.searchsorted(borders, np.sqrt(sides.prod(axis=1)))
    standard = dict(standard_anchors(size, strides).shapes)
    levels = []
    for index, stride in enumerate(strides):
        own = sides[level_of == index]
        centres = np.array(standard[stride])
        if len(own):
            centres = _cluster(own, min(per_place, len(np.unique(own, axis=0))), seed)
        while len(centres) < per_place:  # fewer kinds of boxes than anchors
            centres = np.concatenate([centres, centres[-1:] * 2 ** (1 / 3)])
        levels.append((stride, tuple(map(tuple, centres[:per_place].round(2).tolist()))))
    return Anchors((size[0], size[1]), tuple(levels))


def _cluster(sides: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Return the centres of k-means over (width, height), by rising area."""
    rng = np.random.default_rng(seed)
    centres = np.unique(sides, axis=0)[:1]
    for _ in range(count - 1):  # k-means++: what is far from all centres is likely to be the next
        distances = (1 - _overlap(sides, centres).max(axis=1)) ** 2
        if distances.sum() == 0:
            break
        chosen = rng.choice(len(sides), p=distances / distances.sum())
        centres = np.concatenate([centres, sides[chosen : chosen + 1]])
    nearest = None
    for _ in range(ITERATIONS):
        found = _overlap(sides, centres).argmax(axis=1)
        if nearest is not None and (found == nearest).all():
            break
        nearest = found
        centres = np.stack(
            [
                sides[nearest == k].mean(axis=0) if (nearest == k).any() else centre
                for k, centre in enumerate(centres)
            ]
        )
    return centres[np.argsort(centres.prod(axis=1), kind="stable")]


def _overlap(sides: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Return the IoU of boxes with the same middle, (N, K)."""
    common = np.minimum(sides[:, None], centres[None]).prod(axis=2)
    return common / (sides.prod(axis=1)[:, None] + centres.prod(axis=1)[None] - common)
