"""What an answer loses as the places that matter are deleted, and wins as they are inserted."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np

from sightkit.apps.explain.explainer import Explainer, Inputs, Target
from sightkit.apps.explain.perturbation import Answers

STEPS = 16
"""Shares of an image, from none to all, at which the answer is read."""
CELLS = 7
BLUR = 1 / 8
"""Standard deviation of the blurred copy that takes the place of deleted pixels, of a side."""


def area(
    explainer: Explainer,
    inputs: Inputs,
    maps: np.ndarray,
    target: Target = None,
    *,
    way: Literal["deletion", "insertion"] = "deletion",
) -> np.ndarray:
    """Return the mean probability of the class while an image is deleted, or inserted.

    The places with the highest values go first; a strongly blurred copy of the image takes their
    place, or is what is begun with.

    Args:
        explainer: of the network.
        inputs: images.
        maps: float32 (N, H, W), what is compared; see ``baselines``.
        target: the class.
        way: of deletion a smaller area is better, of insertion a larger one.

    Returns:
        float64 (N,), 0 to 1.

    Reference:
        Petsiuk, Das, Saenko, "RISE", 2018, arXiv:1806.07421.
    """
    pixels = explainer.pictures(inputs)
    target = explainer.targets(inputs, target)
    answers = Answers(explainer, inputs, len(pixels) * (STEPS + 1))
    height, width = pixels.shape[1:3]
    found = np.zeros(len(pixels))
    for row, image in enumerate(pixels):
        blurred = cv2.GaussianBlur(image, (0, 0), BLUR * min(height, width))
        blurred = blurred.reshape(image.shape)  # OpenCV drops a single channel
        rank = np.empty(height * width, np.int64)
        rank[np.argsort(-maps[row], axis=None, kind="stable")] = np.arange(height * width)
        rank = rank.reshape(height, width, 1)
        first, then = (image, blurred) if way == "deletion" else (blurred, image)
        ends = np.linspace(0, height * width, STEPS + 1)
        versions = np.stack([np.where(rank < end, then, first) for end in ends])
        shares = answers(row, versions)[:, target[row]]
        found[row] = np.trapezoid(shares, dx=1 / STEPS)
    return found


def baselines(pixels: np.ndarray, seed: int = 0) -> dict[str, np.ndarray]:
    """Return maps that know nothing of the network: what an explanation must be better than.

    Args:
        pixels: images, float32 (N, H, W, C).
        seed: of the random cells.

    Returns:
        float32 (N, H, W) each: ``centre``, nearness to the middle, where photographers put what
        they show; ``Sobel``, edges; ``random``, 7x7 cells.
    """
    count, height, width = pixels.shape[:3]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    centre = np.broadcast_to(-np.hypot(y, x), (count, height, width)).astype(np.float32)
    grey = pixels.mean(axis=-1)
    edges = [np.hypot(cv2.Sobel(g, cv2.CV_32F, 1, 0), cv2.Sobel(g, cv2.CV_32F, 0, 1)) for g in grey]
    cells = np.random.default_rng(seed).random((count, CELLS, CELLS)).astype(np.float32)
    random = [cv2.resize(c, (width, height), interpolation=cv2.INTER_NEAREST) for c in cells]
    return {"centre": centre, "Sobel": np.stack(edges), "random": np.stack(random)}
