"""Recognize the form of a network's answers: probabilities, logits, or a sigmoid column."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sightkit._errors import SightkitError

TOLERANCE = 0.01
"""Largest error of a probability and of a row's sum: in bfloat16 sums miss 1 by up to 0.004."""


def as_probabilities(answers: np.ndarray, class_names: Sequence[str]) -> np.ndarray:
    """Return answers as probabilities, whatever the network ends in.

    All answers are checked: number of columns, range, sums of rows. Probabilities, whose rows
    have the sum 1, are returned as they are; of logits and log-probabilities the softmax; of one
    column for two classes (a sigmoid, or its logit) both probabilities. A row with a NaN or +∞
    is returned with a NaN.

    Args:
        answers: (N, classes), (N, 1) or (N,), a row an image.
        class_names: in label order.

    Raises:
        SightkitError: another number of columns, class indices, or numbers that are neither
            probabilities nor logits: a sigmoid for each class, percentages, regression.
    """
    classes = len(class_names)
    columns = answers[:, np.newaxis] if answers.ndim == 1 else answers
    shape = "x".join(map(str, answers.shape))
    if columns.dtype.kind not in "fiub" or columns.ndim != 2 or not columns.shape[1]:
        raise _refused("An answer must be a row of numbers, one a class.", shape, answers)
    if columns.shape[1] == 1 and columns.dtype.kind in "iub":
        raise _refused("These are class indices, and evaluation needs scores.", shape, answers)
    finite = columns[np.isfinite(columns).all(axis=1)].astype(np.float64)
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 0.0)
    if columns.shape[1] == 1 and classes == 2:
        second = columns.astype(np.float64)
        if low >= -TOLERANCE and high <= 1 + TOLERANCE:
            return np.concatenate([1 - second, second], axis=1).astype(np.float32)
        return _softmax(np.concatenate([np.zeros_like(second), second], axis=1))
    if columns.shape[1] != classes:
        raise _refused(
            "An answer needs a column for each class, or one for two classes.",
            shape,
            answers,
            classes=classes,
        )
    if not len(finite):
        return columns
    sums = finite.sum(axis=1)
    ones = np.abs(sums - 1).max() <= TOLERANCE
    inside = low >= -1e-6 and high <= 1 + TOLERANCE
    if ones and inside:
        return columns if columns.dtype.kind == "f" else columns.astype(np.float32)
    # Percentages, also rounded ones, and counts: all rows have one sum, as logits never have.
    alike = np.ptp(sums) <= 1e-4 * np.abs(sums).max() or np.abs(sums - 100).max() <= 1
    if ones or inside or (low >= 0 and alike):
        raise _refused(
            "Answers must be probabilities with the sum 1, or logits: these are neither (a "
            "sigmoid for each class, percentages, a regression?).",
            shape,
            answers,
            "Of a sigmoid a class, where an image has exactly one, evaluate "
            "zoo.with_normalized_sigmoids(network); of a regression by evaluate_regression.",
            least=round(low, 4),
            greatest=round(high, 4),
            sums=(round(float(sums.min()), 4), round(float(sums.max()), 4)),
        )
    return _softmax(columns)


def checked_batch(answer: object, images: int) -> np.ndarray:
    """Copy the answer to a batch: an array with a row for each of its images.

    Raises:
        SightkitError: something else, such as the list of a network with several outputs.
    """
    found = np.array(answer) if hasattr(answer, "shape") else None
    if found is None or found.ndim == 0 or len(found) != images:
        raise SightkitError(
            "A network must give one array with a row for each image.",
            "Evaluate a network with one output.",
            answer=type(answer).__name__ if found is None else found.shape,
            images=images,
        )
    return found


def join_batches(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Concatenate the answers to all batches, which must have as many columns each."""
    shapes = {part.shape[1:] for part in parts}
    if len(shapes) > 1:
        raise SightkitError(
            "A network must give as many columns for each batch.", columns=sorted(shapes)
        )
    return np.concatenate(parts)


def _softmax(logits: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):  # a row with a NaN or an infinity stays one
        powers = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
        return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)


def _refused(
    rule: str, shape: str, answers: np.ndarray, more: str = "", **received: object
) -> SightkitError:
    step = "End the network in a softmax, or in a Dense layer without activation."
    return SightkitError(
        rule,
        f"{step} {more}".strip(),
        shape=shape,
        dtype=str(answers.dtype),
        **received,
    )
