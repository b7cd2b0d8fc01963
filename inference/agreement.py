"""Comparing an engine's answers with Keras'."""

from __future__ import annotations

import numpy as np

TOLERANCE = 1e-3
"""Of an image's largest output: what a float32 engine may differ by."""
TOP1 = 0.99
"""Share of images on which a bfloat16 engine must name the same class."""
FEATURES = 0.5
"""Of the distance from an image's features to the nearest other image's: what bfloat16 may move
them by, so that they stay nearest to their own image's. MobileNetV2-0.35's move by 0.12 of it
(median of 359 photos; why no share of their length: docs/measurements.md)."""
ALONE = 0.05
"""Of the length, where an image has no neighbour: it is the only one, or all are equal."""
EQUAL = 1e-5
"""Of the length: rows as near as this are of equal photos, which no engine can distinguish. Keras
itself moves them by a few 1e-7 with their place in a batch; bfloat16 moves them by 1 % and more."""
FLOOR = 1e-7
"""What a float32 engine may differ by in any case: the rounding of numbers of about 1, as they are
inside networks. It counts where Keras' outputs are all smaller than 1e-4; most often they are 0."""


def disagreement(answer: np.ndarray, reference: np.ndarray, precision: str) -> str | None:
    """Return why an engine's answers are not Keras'; ``None`` if they are.

    bfloat16 is compared by class where the outputs are probabilities, else by neighbours.

    Args:
        answer: (N, …).
        reference: Keras' in float32.
        precision: what the engine computes in.
    """
    if answer.shape != reference.shape:
        return f"its output is {answer.shape}, Keras' is {reference.shape}"
    if (np.isnan(answer) & ~np.isnan(reference)).any():
        return "its output has NaN, and Keras' has not"
    if not np.isfinite(reference).all():
        return "Keras' own output is not finite"
    if precision != "float32":
        same, what = agreement(answer, reference)
        if same >= TOP1:
            return None
        return f"its {what} on only {100 * same:.1f} % of the examples (needed: {TOP1:.0%})"
    answer, reference = _rows(answer), _rows(reference)
    largest = np.abs(reference).max(axis=1)
    # An image whose outputs are all but zero is compared by the others' size.
    allowed = np.maximum(TOLERANCE * np.maximum(largest, TOLERANCE * largest.max()), FLOOR)
    excess = np.abs(answer - reference).max(axis=1) / allowed
    if (excess <= 1).all():
        return None
    difference = float(excess.max()) * TOLERANCE
    return f"its output differs from Keras' by {difference:.1g} (allowed: {TOLERANCE:g})"


def agreement(answer: np.ndarray, reference: np.ndarray) -> tuple[float, str]:
    """Return the share of images on which two engines agree, and what agrees."""
    answer, reference = _rows(answer), _rows(reference)
    if _probabilities(reference):
        return float((answer.argmax(1) == reference.argmax(1)).mean()), "top-1 is Keras'"
    moved = np.linalg.norm(answer - reference, axis=1)
    nearest = _to_nearest(reference)
    if not np.isfinite(nearest).any():
        near = moved <= ALONE * np.linalg.norm(reference, axis=1)
        return float(near.mean()), f"output is within {100 * ALONE:.0f} % of Keras'"
    near = moved <= FEATURES * nearest
    return float(near.mean()), "output is nearer to Keras' than half way to another image's"


def _rows(outputs: np.ndarray) -> np.ndarray:
    return outputs.reshape(len(outputs), -1).astype(np.float64)


def _to_nearest(rows: np.ndarray) -> np.ndarray:
    """Return the distance of each row, (N, D), to the nearest other; infinite for equal rows."""
    lengths = np.einsum("nd,nd->n", rows, rows)
    equal = EQUAL**2 * np.maximum(lengths[:, None], lengths)
    rows = rows - rows.mean(axis=0)  # products of what all share would drown the differences
    squares = np.einsum("nd,nd->n", rows, rows)
    distances = squares[:, None] + squares - 2 * rows @ rows.T
    distances[distances <= equal] = np.inf
    np.fill_diagonal(distances, np.inf)
    return np.sqrt(distances.min(axis=1))


def _probabilities(rows: np.ndarray) -> bool:
    return bool((rows >= 0).all() and np.allclose(rows.sum(axis=1), 1, atol=1e-3))
