"""Whether another engine says what Keras says."""

from __future__ import annotations

import numpy as np

TOLERANCE = 1e-3
"""Of an image's largest output: what a float32 engine may differ by."""
TOP1 = 0.99
"""Share of real images on which a bfloat16 engine must name the same class."""
FEATURES = 0.05
"""Of the length of an image's features: what a bfloat16 engine may differ by. On twenty photos
SqueezeNet's last maps differ by 0.012 to 0.026, MobileNetV2-0.35's by 0.10 to 0.17 (refused)."""


def distrust_float32(answer: np.ndarray, reference: np.ndarray) -> str | None:
    """Why an engine's answer, (N, …), is not to be trusted; ``None`` if it is."""
    if (reason := _unlike(answer, reference)) is not None:
        return reason
    answer, reference = _rows(answer), _rows(reference)
    largest = np.abs(reference).max(axis=1)
    # An image whose outputs are all but zero is held against the others' size.
    allowed = TOLERANCE * np.maximum(largest, TOLERANCE * largest.max())
    if (np.abs(answer - reference).max(axis=1) <= allowed).all():
        return None
    difference = float((np.abs(answer - reference).max(axis=1) / allowed).max()) * TOLERANCE
    return f"its output differs from Keras' by {difference:.1g} (allowed: {TOLERANCE:g})"


def distrust_bfloat16(answer: np.ndarray, reference: np.ndarray, images: str) -> str | None:
    """The same of bfloat16: by class where the outputs are probabilities, else by distance.

    Args:
        answer: (N, …).
        reference: Keras' in float32.
        images: what the images are called.
    """
    if (reason := _unlike(answer, reference)) is not None:
        return reason
    same, what = agreement(answer, reference)
    if same >= TOP1:
        return None
    return f"its {what} on only {100 * same:.1f} % of {images} (needed: {100 * TOP1:.0f} %)"


def agreement(answer: np.ndarray, reference: np.ndarray) -> tuple[float, str]:
    """Share of images on which two engines agree, and what agrees."""
    answer, reference = _rows(answer), _rows(reference)
    if _probabilities(reference):
        return float((answer.argmax(1) == reference.argmax(1)).mean()), "top-1 is Keras'"
    distance = np.linalg.norm(answer - reference, axis=1)
    near = distance <= FEATURES * np.linalg.norm(reference, axis=1)
    return float(near.mean()), f"output is within {100 * FEATURES:.0f} % of Keras'"


def _unlike(answer: np.ndarray, reference: np.ndarray) -> str | None:
    if answer.shape != reference.shape:
        return f"its output is {answer.shape}, Keras' is {reference.shape}"
    if (np.isnan(answer) & ~np.isnan(reference)).any():
        return "its output has NaN, and Keras' has not"
    if not np.isfinite(reference).all():
        return "Keras' own output is not finite"
    return None


def _rows(outputs: np.ndarray) -> np.ndarray:
    return outputs.reshape(len(outputs), -1).astype(np.float64)


def _probabilities(rows: np.ndarray) -> bool:
    return bool((rows >= 0).all() and np.allclose(rows.sum(axis=1), 1, atol=1e-3))
