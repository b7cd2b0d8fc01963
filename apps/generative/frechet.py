"""How far samples are from pictures, and from each other."""

from __future__ import annotations

import numpy as np

PAIRS = 20_000


def frechet_distance(one: np.ndarray, other: np.ndarray) -> float:
    """Return the Fréchet distance of two Gaussians that are fitted to features.

    |m1 - m2|² + tr(C1 + C2 - 2 (C1 C2)^½), of means m and covariances C. It falls with the number
    of samples and has no fixed scale: compare it only between features of one network and equal
    numbers, and with its floor, the distance of two sets of real pictures.

    Args:
        one: (N, K) features, N at least 2.
        other: (M, K) features of the same network.

    Returns:
        The distance, 0 for equal sets; it is squared, as is the custom.

    Reference:
        Heusel et al., "GANs trained by a two time-scale update rule", 2017, there on features of
        InceptionV3.
    """
    means, covariances = zip(*(_moments(each) for each in (one, other)), strict=True)
    values, vectors = np.linalg.eigh(covariances[0])
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    # tr (C1 C2)^½ is the sum of the roots of the eigenvalues of C1^½ C2 C1^½, which is symmetric.
    between = np.linalg.eigvalsh(root @ covariances[1] @ root)
    apart = float(((means[0] - means[1]) ** 2).sum())
    spread = float(np.trace(covariances[0]) + np.trace(covariances[1]))
    return max(0.0, apart + spread - 2 * float(np.sqrt(np.maximum(between, 0)).sum()))


def mean_distance(images: np.ndarray, *, seed: int = 0) -> float:
    """Return the mean distance of pictures from each other, grey levels (root mean square).

    Of samples that all look alike it is near 0.

    Args:
        images: uint8 (N, H, W, C), at least 2.
        seed: of the pairs that are compared, 20,000 at most.
    """
    flat = images.reshape(len(images), -1).astype(np.float32)
    rng = np.random.default_rng(seed)
    pairs = min(PAIRS, len(flat) * (len(flat) - 1))
    first = rng.integers(len(flat), size=pairs)
    second = (first + rng.integers(1, len(flat), size=pairs)) % len(flat)
    distances = [
        np.sqrt(((flat[a] - flat[b]) ** 2).mean(axis=1))
        for a, b in zip(np.array_split(first, 20), np.array_split(second, 20), strict=True)
    ]
    return float(np.concatenate(distances).mean())


def _moments(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    features = np.asarray(features, np.float64)
    return features.mean(axis=0), np.cov(features, rowvar=False)
