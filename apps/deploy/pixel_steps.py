"""The last steps of preprocessing as arithmetic that a network can begin with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sightkit._errors import SightkitError
from sightkit.preprocessing import Pipeline, Preprocessor

TOLERANCE = 1e-6
"""Of the largest value: what float32 rounds."""
PROBES = 3
"""Random images that the arithmetic is compared with the steps on."""


@dataclass(frozen=True)
class PixelSteps:
    """A pixel's channels c to ``c @ matrix + offset``.

    Attributes:
        matrix: float32 (channels, channels).
        offset: float32 (channels,), or (H, W, channels) where it differs between pixels.
    """

    matrix: np.ndarray
    offset: np.ndarray

    def __call__(self, images: Any) -> Any:
        """Transform a Keras tensor (N, H, W, C)."""
        import keras

        # Plain arrays: tf2onnx makes an input of a tensor.
        scale = np.diag(self.matrix)
        if np.array_equal(self.matrix, np.diag(scale)):
            if not (scale == 1).all():
                images = images * scale
        else:
            images = keras.ops.matmul(images, self.matrix)
        return images + self.offset if self.offset.any() else images


def split_steps(
    steps: Sequence[Preprocessor], image: np.ndarray
) -> tuple[tuple[Preprocessor, ...], PixelSteps]:
    """Divide steps: those that look at more than a pixel, and what the others do to one.

    What a step is called does not matter: its output is compared, so that steps of one's own are
    found too. Steps at the end that round, or take bytes alone, count among the first.

    Args:
        steps: without randomness or crops, first to last.
        image: uint8 (H, W, C), decoded.

    Returns:
        The steps to take before an exported network, and what it begins with.
    """
    given = [image]
    for step in steps:
        given.append(step(given[-1]))
    for start, seen in enumerate(given[:-1]):
        found = _arithmetic(Pipeline(steps[start:]), seen)
        # A step that leaves these images as they are may be there for others: grey ones.
        if found and not np.array_equal(steps[start](seen), seen):
            return tuple(steps[:start]), found
    channels = given[-1].shape[-1]
    return tuple(steps), PixelSteps(np.eye(channels, dtype=np.float32), np.zeros(channels, "f4"))


def _arithmetic(steps: Pipeline, seen: np.ndarray) -> PixelSteps | None:
    """Return what steps do to each pixel of such an image; None where they do more, or other."""
    try:
        zero = steps(np.zeros_like(seen)).astype(np.float64)
        if zero.shape[:2] != seen.shape[:2]:
            return None
        rows = []
        for channel in range(seen.shape[-1]):
            lit = np.zeros_like(seen)
            lit[..., channel] = 255
            rows.append((steps(lit) - zero) / 255)
        matrices = np.stack(rows, axis=-2)  # (H, W, channels given, channels made)
        matrix = matrices.reshape(-1, *matrices.shape[2:]).mean(axis=0)
        matrix, offset = matrix.astype(np.float32), zero.astype(np.float32)
        if (offset == offset[0, 0]).all():
            offset = offset[0, 0]
        random = np.random.default_rng(1)
        for _ in range(PROBES):
            image = random.integers(0, 256, seen.shape).astype(seen.dtype)
            wanted = steps(image).astype(np.float64)
            off = np.abs(image.astype(np.float32) @ matrix + offset - wanted).max()
            if off > TOLERANCE * max(1.0, float(np.abs(wanted).max())):
                return None
    except SightkitError:  # the steps take no such image
        return None
    return PixelSteps(matrix, offset)
