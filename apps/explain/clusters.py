"""The dense places of a map of photos, by DBSCAN, and what each of them holds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sightkit._errors import SightkitError


@dataclass(frozen=True)
class Clusters:
    """Dense places of a map.

    Attributes:
        labels: int64 (n,), 0 is the largest; −1 lies in none.
        eps: how far from each other photos of one place are at most, in the map's unit.
        fewest: photos within that distance, itself counted, that make a place dense.
    """

    labels: np.ndarray
    eps: float
    fewest: int

    def __len__(self) -> int:
        return int(self.labels.max(initial=-1)) + 1

    def table(
        self, labels: np.ndarray | None = None, class_names: Sequence[str] = ()
    ) -> list[dict[str, Any]]:
        """Return a row a cluster, the largest first, then those that lie in none, where there are.

        Args:
            labels: int64 (n,), where photos have classes.
            class_names: in label order.
        """
        rows = []
        for cluster in [*range(len(self)), *([-1] if -1 in self.labels else [])]:
            held = self.labels == cluster
            name = "in none" if cluster < 0 else f"{cluster + 1}"
            row: dict[str, Any] = {"cluster": name, "photos": int(held.sum())}
            if labels is not None:
                counts = np.bincount(labels[held], minlength=len(class_names)).tolist()
                row |= dict(zip(class_names, counts, strict=True))
            rows.append(row)
        return rows


def cluster(plane: np.ndarray, *, fewest: int | None = None, eps: float | None = None) -> Clusters:
    """Find the dense places of a map by DBSCAN.

    Args:
        plane: float (n, 2), of ``project``.
        fewest: photos, itself counted, within ``eps`` of one that make a place dense; by default
            the logarithm of their number (Birant and Kut 2007), 4 at least (Ester et al. 1996).
        eps: distance; by default that of ``k_distance``.

    Raises:
        SightkitError: ``fewest`` below 2 or more than there are photos, ``eps`` not above 0.

    References:
        Ester, Kriegel, Sander, Xu, "A density-based algorithm for discovering clusters in large
        spatial databases with noise", 1996; Birant, Kut, "ST-DBSCAN", 2007.
    """
    from sklearn.cluster import DBSCAN

    if fewest is None:
        fewest = min(len(plane), max(4, round(math.log(max(1, len(plane))))))
    if not 2 <= fewest <= len(plane):
        raise SightkitError(
            f"A cluster needs 2 photos at least, and at most all {len(plane):,}.",
            "Leave --fewest out.",
            fewest=fewest,
        )
    eps = k_distance(plane, fewest) if eps is None else eps
    if not 0 < eps < np.inf:
        raise SightkitError("eps must be a distance above 0.", "Leave --eps out.", eps=eps)
    found = DBSCAN(eps=eps, min_samples=fewest).fit_predict(plane)
    sizes = np.bincount(found[found >= 0]) if (found >= 0).any() else np.zeros(0, int)
    place = np.empty(len(sizes) + 1, np.int64)
    place[np.argsort(-sizes, kind="stable")] = np.arange(len(sizes))
    place[-1] = -1  # DBSCAN's own name of what lies in none
    return Clusters(place[found], float(eps), fewest)


def k_distance(plane: np.ndarray, fewest: int) -> float:
    """Return DBSCAN's ``eps`` for a map: the knee of its sorted k-distances.

    Each photo's distance to the last of its ``fewest`` − 1 nearest, sorted, rises slowly within
    dense places and steeply for what lies between them. The knee is the point farthest below the
    line from the first to the last (Satopää et al. 2011); the largest 2 % are left out, because a
    single photo far from all others would move it.

    Args:
        plane: float (n, 2).
        fewest: as ``cluster`` takes it.
    """
    from sklearn.neighbors import NearestNeighbors

    near = NearestNeighbors(n_neighbors=fewest).fit(plane)  # a photo is the first of its own
    distances = np.sort(near.kneighbors(plane)[0][:, -1])
    distances = distances[: max(2, round(0.98 * len(distances)))]
    line = np.linspace(distances[0], distances[-1], len(distances))
    return float(max(distances[np.argmax(line - distances)], 1e-9))
