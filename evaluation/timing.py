"""What an answer costs, measured while it is given."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np


class Stopwatch:
    """A predictor that notes how long each batch takes; the answers are the predictor's.

    The first batch is answered twice: the first time compiles.

    Args:
        predictor: (N, …) to (N, classes).
    """

    def __init__(self, predictor: Callable[[np.ndarray], np.ndarray]) -> None:
        self.predictor = predictor
        self._noted: list[tuple[int, float]] = []

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Answer, and note images and seconds."""
        if not self._noted:
            self.predictor(images)
        start = time.perf_counter()
        answers = self.predictor(images)
        self._noted.append((len(images), time.perf_counter() - start))
        return answers

    @property
    def milliseconds(self) -> float:
        """Median milliseconds an image.

        Batches shorter than the longest (the last one of a pass) are left out: the fewer images,
        the more each costs, and their size may be compiled anew.
        """
        longest = max(count for count, _ in self._noted)
        return statistics.median(
            1000 * spent / count for count, spent in self._noted if count == longest
        )
