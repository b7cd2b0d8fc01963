"""Neighbours in feature space: the photos of a gallery that are most similar to a query.

Similar is what a network's features say: photos whose features point in the same direction. The
search is exact and batched, one product of matrices for many queries; a million photos need no
index and no server.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sightkit._errors import SightkitError

PRODUCTS = 2**23
"""Cosines in memory at once: 32 MiB."""


@dataclass(frozen=True)
class Neighbours:
    """The most similar photos of a gallery, for each query.

    Attributes:
        rows: int64 (m, k), rows of the gallery, the most similar first; equal ones in the order of
            the gallery.
        similarities: float32 (m, k), cosines, −1 to 1.
    """

    rows: np.ndarray
    similarities: np.ndarray

    def precision(self, labels: np.ndarray, gallery_labels: np.ndarray) -> np.ndarray:
        """Return the share of each query's neighbours that are of its class: float64 (m,).

        Args:
            labels: int64 (m,), of the queries.
            gallery_labels: int64 (n,).
        """
        return np.mean(gallery_labels[self.rows] == np.asarray(labels)[:, None], axis=1)


@dataclass(frozen=True)
class Neighbour:
    """A photo that is like another one.

    Attributes:
        name: of its file, or of its place in the data.
        class_name: what it is; empty where that is not known.
        similarity: cosine of the features, −1 to 1.
        image: uint8 (H, W, 3) RGB or (H, W, 1); None where it is not available.
    """

    name: str
    class_name: str
    similarity: float
    image: np.ndarray | None


def nearest(
    queries: np.ndarray,
    gallery: np.ndarray,
    k: int = 5,
    *,
    same: tuple[np.ndarray, np.ndarray] | None = None,
) -> Neighbours:
    """Return the ``k`` photos of a gallery with the largest cosine to each query.

    Args:
        queries: float (m, d), features.
        gallery: float (n, d), features of the same network.
        k: neighbours.
        same: a number for each query and one for each photo of the gallery, (m,) and (n,): photos
            with the query's own number are not its neighbours. A photo of the gallery is thus not
            found by itself, nor by those of its group.

    Raises:
        SightkitError: fewer than two photos, other dimensions, features that are not finite, ``k``
            below 1 or larger than the number of photos that may be found.
    """
    queries, gallery = unit(queries), unit(gallery)
    require_enough(k, len(gallery), same)
    if queries.shape[1] != gallery.shape[1]:
        raise SightkitError(
            "Queries must have the features of the gallery.",
            "Take features of both by one network.",
            gallery=gallery.shape,
            queries=queries.shape,
        )
    size = max(1, PRODUCTS // len(gallery))
    rows = np.empty((len(queries), k), np.int64)
    similarities = np.empty((len(queries), k), np.float32)
    for start in range(0, len(queries), size):
        part = slice(start, start + size)
        cosines = queries[part] @ gallery.T
        if same is not None:
            cosines[same[0][part, None] == same[1]] = -np.inf
        rows[part] = _largest(cosines, k)
        similarities[part] = np.take_along_axis(cosines, rows[part], axis=1)
    return Neighbours(rows, similarities.clip(-1, 1))


def unit(features: np.ndarray) -> np.ndarray:
    """Return features (n, d) as float32 rows of length 1; rows of zeros stay.

    Raises:
        SightkitError: not (n, d), or features that are not finite.
    """
    found = np.asarray(features)
    if found.ndim != 2 or not np.isfinite(found).all():
        raise SightkitError(
            "Features must be finite numbers, a row a photo.",
            "Extract them again, by scripts/extract_features.py.",
            shape=found.shape,
        )
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    return (found / np.maximum(lengths, 1e-12)).astype(np.float32)


def _largest(cosines: np.ndarray, k: int) -> np.ndarray:
    """Return the columns of the ``k`` largest of each row, the largest first, int64 (m, k)."""
    if k < cosines.shape[1]:
        # A full sort of a million cosines takes 100 ms a query, the partition 10.
        columns = np.sort(np.argpartition(-cosines, k - 1, axis=1)[:, :k], axis=1)
    else:
        columns = np.broadcast_to(np.arange(k), cosines.shape)
    order = np.argsort(-np.take_along_axis(cosines, columns, axis=1), axis=1, kind="stable")
    return np.take_along_axis(columns, order, axis=1)


def require_enough(k: int, photos: int, same: tuple[np.ndarray, np.ndarray] | None = None) -> None:
    """Raise unless each query has ``k`` photos that may be found.

    Args:
        k: neighbours.
        photos: of the gallery.
        same: as ``nearest`` takes it.
    """
    if photos < 2:
        raise SightkitError(
            "A gallery must hold two photos at least.", "Add photos to it.", photos=photos
        )
    most = photos
    if same is not None:
        numbers, counts = np.unique(same[1], return_counts=True)
        own = counts[np.isin(numbers, same[0])]
        most -= int(own.max()) if len(own) else 0
    if not 1 <= k <= most:
        raise SightkitError(
            f"k must be 1 at least, and at most {most:,}: so many photos of the gallery can be "
            "neighbours of every query.",
            f"Give --k {max(1, min(5, most))}, or a larger gallery.",
            k=k,
        )
