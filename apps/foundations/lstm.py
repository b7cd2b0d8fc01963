"""The LSTM: a state behind gates, which gradients pass without being multiplied away.

Formula: docs/foundations.md#lstm. Test: tests/apps/foundations/test_lstm.py.
Picture: docs/foundations/recurrent.png, drawn by scripts/foundations/recurrent.py.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sightkit.apps.foundations.activations import sigmoid
from sightkit.apps.foundations.recurrent import require_weights

Array = np.ndarray


class Trace(NamedTuple):
    """What an LSTM did at every step, for the way back; all (N, T, H).

    Attributes:
        i: how much of the new is let in.
        f: how much of the old stays.
        g: the new.
        o: how much of the cell is shown.
        c: the cells, c_t = f·c_{t−1} + i·g.
        h: what is shown, h_t = o·tanh(c_t).
    """

    i: Array
    f: Array
    g: Array
    o: Array
    c: Array
    h: Array


def lstm(x: Array, w_x: Array, w_h: Array, bias: Array) -> Trace:
    """Return the gates, cells and outputs of all steps, from h_0 = c_0 = 0 on.

    Args:
        x: sequences, (N, T, D).
        w_x: from input to the gates i, f, g, o, side by side as in Keras, (D, 4H).
        w_h: from the output to the same, (H, 4H).
        bias: (4H,); a bias of 1 for f, which remembers at first, is the custom.
    """
    require_weights(4, x, w_x, w_h, bias)
    trace = Trace(*np.zeros((6, len(x), x.shape[1], len(w_h))))
    h = c = np.zeros((len(x), len(w_h)))
    for t in range(x.shape[1]):
        sums = np.split(x[:, t] @ w_x + h @ w_h + bias, 4, axis=1)
        i, f, g, o = sigmoid(sums[0]), sigmoid(sums[1]), np.tanh(sums[2]), sigmoid(sums[3])
        c = f * c + i * g
        h = o * np.tanh(c)
        for name, value in zip(trace, (i, f, g, o, c, h), strict=True):
            name[:, t] = value
    return trace


def lstm_backward(
    upstream: Array, x: Array, trace: Trace, w_x: Array, w_h: Array
) -> tuple[Array, Array, Array, Array, Array]:
    """Go back through time: from cell to cell the gradient is multiplied by f alone.

    Args:
        upstream: gradient of the loss by each output h, (N, T, H).
        x: sequences, (N, T, D).
        trace: of ``lstm``.
        w_x: (D, 4H).
        w_h: (H, 4H).

    Returns:
        the gradients by ``x``, ``w_x``, ``w_h`` and ``bias``; and by each cell, (N, T, H).
    """
    require_weights(4, x, w_x, w_h, upstream=upstream, h=trace.h)
    by_x, by_cells = np.zeros_like(x), np.zeros_like(upstream)
    by_w_x, by_w_h, by_bias = np.zeros_like(w_x), np.zeros_like(w_h), np.zeros(w_h.shape[1])
    h_later = c_later = np.zeros_like(upstream[:, 0])
    nothing = np.zeros_like(h_later)
    for t in reversed(range(x.shape[1])):
        i, f, g, o, c, _ = (each[:, t] for each in trace)
        c_before, h_before = (trace.c[:, t - 1], trace.h[:, t - 1]) if t else (nothing, nothing)
        by_h = upstream[:, t] + h_later
        by_c = by_cells[:, t] = c_later + by_h * o * (1 - np.tanh(c) ** 2)
        by_sums = np.hstack([
            by_c * g * i * (1 - i),
            by_c * c_before * f * (1 - f),
            by_c * i * (1 - g**2),
            by_h * np.tanh(c) * o * (1 - o),
        ])  # fmt: skip
        by_x[:, t] = by_sums @ w_x.T
        by_w_x += x[:, t].T @ by_sums
        by_w_h += h_before.T @ by_sums
        by_bias += by_sums.sum(axis=0)
        h_later, c_later = by_sums @ w_h.T, by_c * f
    return by_x, by_w_x, by_w_h, by_bias, by_cells
