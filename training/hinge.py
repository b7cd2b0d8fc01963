"""Losses of support vector machines, for networks that end in one score a class."""

from __future__ import annotations

from typing import Any

from keras import ops


def multiclass_hinge(labels: Any, scores: Any) -> Any:
    """Sum of max(0, s_j - s_y + 1) over the wrong classes j of each image.

    Keras' ``CategoricalHinge`` takes the worst of the wrong classes alone.

    Args:
        labels: int (N,) or (N, 1), class numbers.
        scores: float (N, classes), any numbers: of a network with ``end="linear"``.

    Returns:
        float (N,), at least 0.

    Reference:
        Weston and Watkins, "Support vector machines for multi-class pattern recognition", 1999.

    Example:
        >>> float(multiclass_hinge([0], [[3.2, 5.1, -1.7]])[0])  # doctest: +SKIP
        2.9
    """
    return ops.sum(_hinges(labels, scores), axis=-1)


def squared_multiclass_hinge(labels: Any, scores: Any) -> Any:
    """Sum of max(0, s_j - s_y + 1)² over the wrong classes; see ``multiclass_hinge``."""
    return ops.sum(ops.square(_hinges(labels, scores)), axis=-1)


def _hinges(labels: Any, scores: Any) -> Any:
    scores = ops.convert_to_tensor(scores)
    own = ops.one_hot(ops.reshape(labels, [-1]), scores.shape[-1], dtype=scores.dtype)
    right = ops.sum(own * scores, axis=-1, keepdims=True)
    return (1 - own) * ops.relu(scores - right + 1)
