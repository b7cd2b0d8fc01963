"""Latent vectors: drawn by a seed, and walked between."""

from __future__ import annotations

import numpy as np


def draw_latents(count: int, size: int, *, noise: str = "normal", seed: int = 0) -> np.ndarray:
    """Draw latent vectors.

    Args:
        count: of vectors.
        size: numbers of a vector.
        noise: ``"normal"``, mean 0 and deviation 1, or ``"uniform"`` in [-1, 1].
        seed: of the draw.

    Returns:
        float32 (count, size); the same seed begins with the same vectors whatever the count.
    """
    rng = np.random.default_rng(seed)
    if noise == "uniform":
        return rng.uniform(-1, 1, (count, size)).astype(np.float32)
    return rng.standard_normal((count, size)).astype(np.float32)


def walk(latents: np.ndarray, steps: int, *, noise: str = "normal") -> np.ndarray:
    """Walk from each vector to the next, and from the last to the first.

    Normal vectors of many numbers nearly all have the same length, and a straight line between two
    of them leaves it: the walk goes along the sphere (White, "Sampling generative networks", 2016).
    Uniform ones are walked between in a straight line.

    Args:
        latents: float32 (n, size), at least 1.
        steps: from one to the next.
        noise: that they were drawn from.

    Returns:
        float32 (n * steps, size); each ``steps``-th one is one of ``latents``.
    """
    shares = np.arange(steps, dtype=np.float32)[:, None] / steps
    ends = zip(latents, np.roll(latents, -1, axis=0), strict=True)
    if noise == "uniform":
        return np.concatenate([(1 - shares) * one + shares * other for one, other in ends])
    return np.concatenate([_along_sphere(one, other, shares) for one, other in ends])


def _along_sphere(one: np.ndarray, other: np.ndarray, shares: np.ndarray) -> np.ndarray:
    cosine = one @ other / max(float(np.linalg.norm(one) * np.linalg.norm(other)), 1e-12)
    angle = np.arccos(np.clip(cosine, -1, 1))
    if np.sin(angle) < 1e-6:  # one direction, or opposite ones: no plane to turn in
        return ((1 - shares) * one + shares * other).astype(np.float32)
    weights = (np.sin((1 - shares) * angle), np.sin(shares * angle))
    return ((weights[0] * one + weights[1] * other) / np.sin(angle)).astype(np.float32)
