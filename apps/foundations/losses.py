"""Losses and penalties: how wrong scores are, and how large weights; each with its gradient.

A loss takes scores (n, K), or one column (n,), and labels; it returns what each sample costs (n,)
and the gradient of that by the sample's own scores. What is minimized is the mean cost plus
λ times a penalty of the weights, and its gradient is ∇loss + λ∇penalty: a step along the penalty
itself (w − α∇f − λR, as one of the notes writes it) would push every weight the same way.

Formula: docs/foundations.md#losses-and-penalties.
Test: tests/apps/foundations/test_losses.py.
Picture: docs/foundations/linear.png, drawn by scripts/foundations/linear.py.
"""

from __future__ import annotations

import numpy as np

from sightkit._errors import SightkitError
from sightkit.apps.foundations import shapes
from sightkit.apps.foundations.activations import sigmoid

Array = np.ndarray
Costs = tuple[Array, Array]


def hinge(scores: Array, labels: Array) -> Costs:
    """Σ_{j≠y} max(0, s_j − s_y + 1): every wrong class must stay 1 below the right one."""
    margins = _margins(scores, labels)
    return margins.sum(axis=1), _pushed((margins > 0).astype(float), labels)


def squared_hinge(scores: Array, labels: Array) -> Costs:
    """Σ_{j≠y} max(0, s_j − s_y + 1)²: the square of the maximum, not the maximum of a square."""
    margins = _margins(scores, labels)
    return (margins**2).sum(axis=1), _pushed(2 * margins, labels)


def cross_entropy(scores: Array, labels: Array) -> Costs:
    """−log(e^{s_y} / Σ_j e^{s_j}); its gradient is softmax(scores) minus the one-hot label."""
    _require_classes(scores, labels)
    shifted = scores - scores.max(axis=1, keepdims=True)  # e^{1000} would be infinite
    costs = np.log(np.exp(shifted).sum(axis=1, keepdims=True)) - shifted
    rows = np.arange(len(labels))
    gradient = np.exp(-costs)
    gradient[rows, labels] -= 1
    return costs[rows, labels], gradient


def binary_cross_entropy(scores: Array, labels: Array) -> Costs:
    """−[y log ŷ + (1 − y) log(1 − ŷ)], ŷ = sigmoid(s), by log(1 + eˢ) − y·s, which never overflows.

    The brackets matter: without them the sign of the second half would be wrong.
    """
    shapes.check(scores=(scores, "..."), labels=(labels, "..."))
    return np.logaddexp(0, scores) - labels * scores, sigmoid(scores) - labels


def squared_error(predicted: Array, true: Array) -> Costs:
    """(ŷ − y)² of numbers (n,)."""
    shapes.check(predicted=(predicted, "..."), true=(true, "..."))
    return (predicted - true) ** 2, 2 * (predicted - true)


def none(weights: Array) -> tuple[float, Array]:
    """0: large weights cost nothing."""
    return 0.0, np.zeros_like(weights)


def l2(weights: Array) -> tuple[float, Array]:
    """Σw²: many small weights are cheaper than a large one."""
    return float((weights**2).sum()), 2 * weights


def l1(weights: Array) -> tuple[float, Array]:
    """Σ|w|: pulls each weight to 0 by the same force, so that few are left."""
    return float(np.abs(weights).sum()), np.sign(weights)


def elastic_net(weights: Array, beta: float = 0.5, gamma: float = 0.5) -> tuple[float, Array]:
    """Σ βw² + γ|w|: both."""
    (square, by_square), (absolute, by_absolute) = l2(weights), l1(weights)
    return beta * square + gamma * absolute, beta * by_square + gamma * by_absolute


LOSSES = {"hinge": hinge, "squared_hinge": squared_hinge, "cross_entropy": cross_entropy}
PENALTIES = {"none": none, "L2": l2, "L1": l1, "elastic_net": elastic_net}


def _margins(scores: Array, labels: Array) -> Array:
    """max(0, s_j − s_y + 1), and 0 in the column of the right class."""
    _require_classes(scores, labels)
    rows = np.arange(len(labels))
    margins = np.maximum(0, scores - scores[rows, labels][:, None] + 1)
    margins[rows, labels] = 0
    return margins


def _pushed(up: Array, labels: Array) -> Array:
    """What pushes a wrong class down pushes the right one up: by the sum of them all."""
    up[np.arange(len(labels)), labels] = -up.sum(axis=1)
    return up


def _require_classes(scores: Array, labels: Array) -> None:
    """Raise for labels that are no columns of the scores: -1 would count as the last one."""
    shapes.check(scores=(scores, "N K"), labels=(labels, "N"))
    least, most = labels.min(initial=0), labels.max(initial=0)
    if labels.dtype.kind not in "iu" or not 0 <= least <= most < scores.shape[1]:
        raise SightkitError(
            f"Labels must be whole numbers (n,) from 0 to {scores.shape[1] - 1}, of scores (n, K).",
            "names, labels = np.unique(labels, return_inverse=True) makes them so.",
            scores=scores.shape,
            first=labels[:5],
        )
