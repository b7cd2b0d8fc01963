"""The recurrent cell: the same weights at every step of time, and a state that remembers.

Formula: docs/foundations.md#recurrent-cell. Test: tests/apps/foundations/test_recurrent.py.
Picture: docs/foundations/recurrent.png, drawn by scripts/foundations/recurrent.py.
"""

from __future__ import annotations

import numpy as np

from sightkit.apps.foundations import shapes

Array = np.ndarray


def recurrent(x: Array, w_xh: Array, w_hh: Array, bias: Array) -> Array:
    """Return the states h_t = tanh(W_hh h_{t−1} + W_xh x_t + b), from h_0 = 0 on.

    Args:
        x: sequences, (N, T, D).
        w_xh: from input to state, (D, H).
        w_hh: from state to state, (H, H).
        bias: (H,); the notes have none.

    Returns:
        all states (N, T, H). What a network answers, y_t = W_hy h_t, is a dense layer on them.
    """
    require_weights(1, x, w_xh, w_hh, bias)
    states = np.zeros((len(x), x.shape[1] + 1, len(w_hh)))  # the first is h_0
    for t in range(x.shape[1]):
        states[:, t + 1] = np.tanh(states[:, t] @ w_hh + x[:, t] @ w_xh + bias)
    return states[:, 1:]


def recurrent_backward(
    upstream: Array, x: Array, states: Array, w_xh: Array, w_hh: Array
) -> tuple[Array, Array, Array, Array, Array]:
    """Go back through time: a state has part in its own loss and in all states after it.

    Each step back multiplies by W_hhᵀ, so that after many the gradient has grown or shrunk as the
    powers of its largest eigenvalue: above 1 it explodes, below 1 it vanishes.

    Args:
        upstream: gradient of the loss by each state, (N, T, H); zeros where a state has no loss.
        x: sequences, (N, T, D).
        states: of ``recurrent``, (N, T, H).
        w_xh: (D, H).
        w_hh: (H, H).

    Returns:
        the gradients by ``x``, ``w_xh``, ``w_hh`` and ``bias``; and by each state, all losses after
        it included, (N, T, H).
    """
    require_weights(1, x, w_xh, w_hh, upstream=upstream, states=states)
    by_x, by_states = np.zeros_like(x), np.zeros_like(upstream)
    by_w_xh, by_w_hh, by_bias = np.zeros_like(w_xh), np.zeros_like(w_hh), np.zeros(len(w_hh))
    before = np.concatenate([np.zeros_like(states[:, :1]), states[:, :-1]], axis=1)
    from_later = np.zeros_like(upstream[:, 0])
    for t in reversed(range(x.shape[1])):
        by_states[:, t] = upstream[:, t] + from_later
        by_sum = by_states[:, t] * (1 - states[:, t] ** 2)
        by_x[:, t] = by_sum @ w_xh.T
        by_w_xh += x[:, t].T @ by_sum
        by_w_hh += before[:, t].T @ by_sum
        by_bias += by_sum.sum(axis=0)
        from_later = by_sum @ w_hh.T
    return by_x, by_w_xh, by_w_hh, by_bias, by_states


def with_largest_eigenvalue(size: int, largest: float, rng: np.random.Generator) -> Array:
    """Return W_hh (size, size): random, scaled so that its largest |eigenvalue| is as given."""
    weights = rng.normal(size=(size, size))
    return weights * (largest / np.abs(np.linalg.eigvals(weights)).max())


def require_weights(
    gates: int, x: Array, w_x: Array, w_h: Array, bias: Array | None = None, **states: Array
) -> None:
    """Raise where the sizes of a cell's weights do not fit the sequences or each other."""
    shapes.check(w_h=(w_h, "H gates"))
    size = len(w_h)
    wide = str(gates * size)
    biases = {} if bias is None else {"bias": (bias, wide)}
    outputs = {name: (each, f"N T {size}") for name, each in states.items()}
    weights = {"w_x": (w_x, f"D {wide}"), "w_h": (w_h, f"{size} {wide}")}
    shapes.check(x=(x, "N T D"), **weights, **biases, **outputs)
