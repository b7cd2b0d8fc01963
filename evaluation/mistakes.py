"""Mistakes of an evaluation: the name of each, and its pixels where they are available."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sightkit.evaluation.metrics import Evaluation


@dataclass(frozen=True)
class Samples:
    """Names and pixels of evaluated samples, by position.

    Attributes:
        names: positions (n,) to the name of each, its file; None where they have none.
        images: positions (n,) to uint8 images, (H, W, 3) RGB or (H, W, 1), of any sizes, or None
            for one that cannot be read; None where there are no pixels.
    """

    names: Callable[[np.ndarray], Sequence[str]] | None = None
    images: Callable[[np.ndarray], Sequence[np.ndarray | None] | np.ndarray] | None = None

    @classmethod
    def of(cls, batches: Any) -> Samples:
        """Those of ``LabelledBatches``; their ``sources``, if they have it, gives the names."""
        return cls(getattr(batches, "sources", None), batches.images)


@dataclass(frozen=True)
class Mistake:
    """A sample that was classified wrongly.

    Attributes:
        name: of its file; empty where it has none.
        true, predicted: class names.
        probability: of the predicted class, 0-1.
        true_probability: of the true class, 0-1.
        image: uint8 (H, W, 3) RGB or (H, W, 1); None where there are no pixels.
    """

    name: str
    true: str
    predicted: str
    probability: float
    true_probability: float
    image: np.ndarray | None = None


def mistakes_of(
    test: Evaluation, samples: Samples, count: int | None = None, *, pixels: bool = True
) -> list[Mistake]:
    """Return the wrong answers, the highest loss first.

    Args:
        test: the evaluation.
        samples: of the same order.
        count: how many at most; all when left out.
        pixels: read the images.
    """
    rows = test.worst_mistakes(len(test.labels) if count is None else count)
    if not len(rows):
        return []
    names = samples.names(rows) if samples.names else [""] * len(rows)
    images = samples.images(rows) if samples.images and pixels else [None] * len(rows)
    found = []
    for row, name, image in zip(rows.tolist(), names, images, strict=True):
        true, predicted = int(test.labels[row]), int(test.predictions[row])
        shares = test.probabilities[row]
        classes = test.class_names[true], test.class_names[predicted]
        found.append(Mistake(name, *classes, float(shares[predicted]), float(shares[true]), image))
    return found
