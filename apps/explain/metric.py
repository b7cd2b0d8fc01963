"""A metric that is learned from a gallery's labels, and chosen inside the gallery."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sightkit.apps.explain.neighbours import nearest, unit
from sightkit.transfer.heads.fitting import stratified_folds

SHARES, SHRINKAGES = (0.25, 0.5, 0.75), (0.1, 0.3, 0.6, 0.9)
WAYS = ((0.0, 1.0), *((share, shrinkage) for share in SHARES for shrinkage in SHRINKAGES))
"""Share of the learned part and shrinkage, to choose from; the first is the plain cosine."""
FOLDS = 5


@dataclass(frozen=True)
class Metric:
    """A similarity of photos, as vectors whose cosine it is: plain features, and a learned part.

    The cosine of two vectors is ``(1 − share) · plain + share · learned``: the cosine of the
    features, and that in the directions that tell the classes apart (Fisher's, with a shrunk
    covariance). The plain part keeps apart what is different within a class.

    Attributes:
        mean: float32 (d,), of the gallery's features of unit length.
        axes: float32 (d, classes − 1).
        share: of the learned part, 0 to 1.
    """

    mean: np.ndarray
    axes: np.ndarray
    share: float

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Return vectors, float32 (n, d + classes − 1), of features (n, d)."""
        plain = unit(features)
        learned = unit((plain - self.mean) @ self.axes)
        parts = [np.sqrt(1 - self.share) * plain, np.sqrt(self.share) * learned]
        return np.concatenate(parts, axis=1).astype(np.float32)


class Fisher:
    """Fisher's discriminant, ready for any shrinkage.

    The covariance within classes, of fewer photos than features, has no inverse: a share of it is
    replaced by its mean variance in all directions (Friedman 1989). Its eigenvectors stay.

    Args:
        features: float (n, d).
        labels: int64 (n,), two classes at least.
    """

    def __init__(self, features: np.ndarray, labels: np.ndarray) -> None:
        rows = unit(features).astype(np.float64)
        classes, place, counts = np.unique(labels, return_inverse=True, return_counts=True)
        self.mean = rows.mean(axis=0)
        means = np.stack([rows[labels == label].mean(axis=0) for label in classes])
        # All that differs lies in the span of the rows: n − 1 directions at most, not d.
        _, values, span = np.linalg.svd(rows - self.mean, full_matrices=False)
        span = span[values > 1e-6 * values[0]]
        within = (rows - means[place]) @ span.T
        self.spread, turn = np.linalg.eigh(within.T @ within / len(rows))
        self.span = span.T @ turn
        self.between = np.sqrt(counts)[:, None] * ((means - self.mean) @ self.span)

    def metric(self, share: float, shrinkage: float) -> Metric:
        """Return the metric of a share and a shrinkage.

        Args:
            share: of the learned part, 0 to 1.
            shrinkage: above 0; at 1 nothing but the class means counts.
        """
        variance = (1 - shrinkage) * self.spread + shrinkage * self.spread.mean()
        scale = 1 / np.sqrt(np.maximum(variance, 1e-12))
        _, _, directions = np.linalg.svd(self.between * scale, full_matrices=False)
        axes = self.span @ (scale[:, None] * directions[: len(self.between) - 1].T)
        return Metric(self.mean.astype(np.float32), axes.astype(np.float32), share)


def choose_metric(
    features: np.ndarray,
    labels: np.ndarray,
    class_names: Sequence[str],
    *,
    k: int = 5,
    folds: int = FOLDS,
    groups: np.ndarray | None = None,
) -> tuple[Metric, dict[tuple[float, float], float]]:
    """Choose share and shrinkage by cross-validation among a gallery's photos, and fit on all.

    Each fold's photos are queries once, the others the gallery that everything is learned on.

    Args:
        features: float (n, d).
        labels: int64 (n,).
        class_names: in label order, two at least.
        k: neighbours whose precision is compared.
        folds: of the cross-validation.
        groups: (n,), equal for photos that stay in one fold; None: each is on its own.

    Returns:
        The metric, and precision@k by (share, shrinkage). Of equally good ones the one with the
        smallest share is taken, then with the largest shrinkage: the most like the plain cosine.

    Raises:
        SightkitError: one class, a class with fewer photos than folds, a fold that leaves fewer
            than ``k`` photos.
    """
    found: dict[tuple[float, float], list[np.ndarray]] = {}
    for held_out in stratified_folds(labels, folds, class_names, groups):
        rest = np.setdiff1d(np.arange(len(labels)), held_out)
        fisher = Fisher(features[rest], labels[rest])
        for share, shrinkage in WAYS:
            metric = fisher.metric(share, shrinkage)
            near = nearest(metric(features[held_out]), metric(features[rest]), k)
            right = near.precision(labels[held_out], labels[rest])
            found.setdefault((share, shrinkage), []).append(right)
    precisions = {way: float(np.concatenate(parts).mean()) for way, parts in found.items()}
    share, shrinkage = max(precisions, key=lambda way: (precisions[way], -way[0], way[1]))
    return Fisher(features, labels).metric(share, shrinkage), precisions
