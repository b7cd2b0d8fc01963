"""A map of photos: features on a plane, similar photos near each other."""

from __future__ import annotations

from typing import Literal

import numpy as np

from sightkit._errors import SightkitError
from sightkit.apps.explain.neighbours import unit

Method = Literal["tsne", "umap"]
PERPLEXITY = 30.0
"""Of van der Maaten and Hinton 2008: between 5 and 50."""
FEWEST = 7
"""Photos: with fewer a perplexity of 2, the smallest that knows a neighbourhood, is too large."""
COMPONENTS = 50
"""Features are brought to so many principal components first: distances barely change, and noise
and most of the time go (scikit-learn's advice for t-SNE)."""


def perplexity_for(photos: int, perplexity: float | None = None) -> float:
    """Return a perplexity that some number of photos allows: 30, or less for fewer than 91.

    The method looks at three times as many neighbours as its perplexity (van der Maaten 2014).

    Args:
        photos: how many there are.
        perplexity: one that is to be checked.

    Raises:
        SightkitError: it is not between 1 and (photos − 1) / 3, or there are fewer than 7 photos.
    """
    most = (photos - 1) / 3
    if photos < FEWEST:
        raise SightkitError(f"A map needs {FEWEST} photos at least.", "Add some.", photos=photos)
    if perplexity is None:
        return min(PERPLEXITY, most)
    if not 1 <= perplexity <= most:
        raise SightkitError(
            f"The perplexity must be between 1 and (photos - 1) / 3, here {most:.3g}: the map "
            "looks at three times as many neighbours of each photo.",
            f"Give --perplexity {min(PERPLEXITY, int(most))}, or take more photos.",
            perplexity=perplexity,
            photos=photos,
        )
    return perplexity


def project(
    features: np.ndarray,
    *,
    method: Method = "tsne",
    perplexity: float | None = None,
) -> np.ndarray:
    """Place photos on a plane by their features, those near each other that are similar.

    Near neighbours are right (``trustworthiness``); distances between groups, and their sizes, mean
    little. The same photos give the same map on one machine (it starts from their two largest
    principal components); another number of threads moves the last bits, and the map with them.

    Args:
        features: float (n, d).
        method: ``"tsne"``, or ``"umap"`` (extra ``explore``).
        perplexity: neighbours that a photo counts with, about; for UMAP its ``n_neighbors``.

    Returns:
        float32 (n, 2), from 0 to 1 in the wider direction.

    Raises:
        SightkitError: too few photos, a perplexity that they do not allow, an unknown method, UMAP
            that is not installed.

    References:
        van der Maaten, Hinton, "Visualizing data using t-SNE", 2008; McInnes, Healy, Melville,
        "UMAP: uniform manifold approximation and projection", 2018.
    """
    from sklearn.decomposition import PCA

    perplexity = perplexity_for(len(features), perplexity)
    rows = unit(features)
    components = min(COMPONENTS, len(rows) - 1, rows.shape[1])
    rows = PCA(components, svd_solver="full", random_state=0).fit_transform(rows)
    if method == "tsne":
        from sklearn.manifold import TSNE

        plane = TSNE(perplexity=perplexity, init="pca", random_state=0).fit_transform(rows)
    elif method == "umap":
        plane = _umap(rows, max(2, round(perplexity)))
    else:
        raise SightkitError("The method is tsne or umap.", "Give method=tsne.", method=method)
    low = plane.min(axis=0)
    return ((plane - low) / max(float(np.ptp(plane, axis=0).max()), 1e-12)).astype(np.float32)


def trustworthiness(features: np.ndarray, plane: np.ndarray, neighbours: int = 12) -> float:
    """Return how far a map's neighbours are those of the features, 0 to 1; 1 is perfect.

    Args:
        features: float (n, d).
        plane: what ``project`` returned.
        neighbours: of each photo; fewer where there are few photos.

    Reference:
        Venna, Kaski, "Neighborhood preservation in nonlinear projection methods", 2001.
    """
    from sklearn import manifold

    count = min(neighbours, (len(plane) - 1) // 2)
    return float(manifold.trustworthiness(unit(features), plane, n_neighbors=count))


def _umap(rows: np.ndarray, neighbours: int) -> np.ndarray:
    try:
        from umap import UMAP  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise SightkitError(
            "UMAP needs the package umap-learn.",
            'Install it: pip install "sightkit[explore]"; or give --method=tsne.',
            method="umap",
        ) from error
    return UMAP(n_neighbors=neighbours, random_state=0, n_jobs=1).fit_transform(rows)
