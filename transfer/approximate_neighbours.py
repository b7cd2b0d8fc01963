"""An approximate index of nearest neighbours beside the exact search: what it costs and saves."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from sklearn.neighbors import NearestNeighbors

DISTANCES = {"manhattan": 2, "euclidean": 1}
"""FLANN's numbers of both."""
CHECKS = 32
"""Leaves that are visited for a query, FLANN's own default."""


@dataclass(frozen=True)
class IndexCost:
    """What an approximate index costs and saves.

    Attributes:
        found: share of the nearest neighbours that it finds.
        milliseconds: a query.
        exact_milliseconds: a query of the exact search.
        megabytes: of the index, beside the samples.
        sample_megabytes: of the samples.
    """

    found: float
    milliseconds: float
    exact_milliseconds: float
    megabytes: float
    sample_megabytes: float

    def __str__(self) -> str:
        return (
            f"Of the nearest samples the index finds {100 * self.found:.0f} %, in "
            f"{self.milliseconds:.2f} ms a query in place of {self.exact_milliseconds:.2f}; it "
            f"takes {self.megabytes:.1f} MB beside the {self.sample_megabytes:.1f} MB of them."
        )


def index_cost(
    samples: np.ndarray, queries: np.ndarray, k: int, metric: str, trees: int = 8
) -> IndexCost:
    """Search the ``k`` nearest samples of each query exactly, and by random k-d trees.

    Args:
        samples: float32 (n, d).
        queries: float32 (m, d).
        k: neighbours.
        metric: ``"manhattan"`` (L1) or ``"euclidean"`` (L2).
        trees: of the index.

    Reference:
        Silpa-Anan, Hartley, "Optimised KD-trees for fast image descriptor matching", 2008; OpenCV's
        FLANN.
    """
    exact = NearestNeighbors(n_neighbors=k, metric=metric, algorithm="brute").fit(samples)
    index: Any = cv2.flann.Index(samples, {"algorithm": 1, "trees": trees}, DISTANCES[metric])
    start = time.perf_counter()
    right = exact.kneighbors(queries, return_distance=False)
    middle = time.perf_counter()
    found, _ = index.knnSearch(queries, k, params={"checks": CHECKS})
    end = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch:
        index.save(f"{scratch}/index")
        size = Path(scratch, "index").stat().st_size
    common = [len(set(a) & set(b)) for a, b in zip(right, found, strict=True)]
    return IndexCost(
        found=sum(common) / right.size,
        milliseconds=1000 * (end - middle) / len(queries),
        exact_milliseconds=1000 * (middle - start) / len(queries),
        megabytes=size / 2**20,
        sample_megabytes=samples.nbytes / 2**20,
    )
