"""L-BFGS for several independent functions at once (Nocedal and Wright 2006, algorithm 7.5).

One evaluation serves all of them, where that costs little more than one for one: a pass over the
same samples, read from memory once. Each has its own step and its own memory of gradients.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np

MEMORY = 6
"""Steps that are remembered."""
ITERATIONS = 500
BACKTRACKS = 8
DECREASE = 1e-4
NOISE = 3e-7
"""Part of a function's value that counts as rounding: an increase by as much is none."""

Evaluate = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]
"""Which functions (A,), and points (A, D), to their values float64 (A,), gradients float32 (A, D),
and whether that is near enough to the least value, bool (A,)."""


def minimise(evaluate: Evaluate, start: np.ndarray) -> np.ndarray:
    """The points at which the functions are least.

    Args:
        evaluate: see ``Evaluate``. The functions are convex, and scaled such that a step of the
            gradient's own length is of the right size.
        start: float32 (P, D), a point for each function.

    Returns:
        float32 (P, D).
    """
    found = start.copy()
    which = np.arange(len(start))
    points = start.copy()
    values, gradients, done = evaluate(which, points)
    memory: deque[_Step] = deque(maxlen=MEMORY)
    for _ in range(ITERATIONS):
        if done.any():
            found[which[done]] = points[done]
            rest = ~done
            which, points, values, gradients = (
                each[rest] for each in (which, points, values, gradients)
            )
            memory = deque((step.only(rest) for step in memory), maxlen=MEMORY)
        if not len(which):
            return found
        directions = _directions(gradients, memory)
        before, slopes_before = points, gradients
        points, values, gradients, done = _search(
            evaluate, which, points, values, gradients, directions
        )
        memory.append(_Step.between(points - before, gradients - slopes_before))
    found[which] = points
    return found


class _Step:
    """A step of each function, and how the gradient changed along it."""

    def __init__(self, step: np.ndarray, change: np.ndarray, weight: np.ndarray) -> None:
        self.step, self.change, self.weight = step, change, weight

    @classmethod
    def between(cls, step: np.ndarray, change: np.ndarray) -> _Step:
        """With a weight of 0 where rounding hides the curvature."""
        bend = np.vecdot(step, change).astype(np.float64)
        weight = np.where(bend > 0, 1 / np.where(bend > 0, bend, 1), 0)
        return cls(step, change, weight)

    def only(self, rows: np.ndarray) -> _Step:
        """Of some of the functions."""
        return _Step(self.step[rows], self.change[rows], self.weight[rows])


def _directions(gradients: np.ndarray, memory: deque[_Step]) -> np.ndarray:
    """The two loops of the recursion, for all functions at once."""
    q = gradients.copy()
    room = np.empty_like(q)
    shares = []
    for each in reversed(memory):
        shares.append(each.weight * np.vecdot(each.step, q))
        q -= np.multiply(each.change, _column(shares[-1]), out=room)
    if memory:
        last = memory[-1]
        length = np.vecdot(last.change, last.change).astype(np.float64) * last.weight
        q /= _column(np.where(length > 0, length, 1))
    for each, share in zip(memory, reversed(shares), strict=True):
        back = share - each.weight * np.vecdot(each.change, q)
        q += np.multiply(each.step, _column(back), out=room)
    return np.negative(q, out=q)


def _search(
    evaluate: Evaluate,
    which: np.ndarray,
    points: np.ndarray,
    values: np.ndarray,
    gradients: np.ndarray,
    directions: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Steps along the directions, each halved until its function falls.

    A function that does not fall is at its least value, as far as rounding lets one see: done.
    """
    fall = np.vecdot(directions, gradients).astype(np.float64)
    uphill = fall >= 0
    directions[uphill] = -gradients[uphill]
    fall[uphill] = -np.vecdot(gradients[uphill], gradients[uphill]).astype(np.float64)
    length = np.ones(len(which))
    best, value, slope, done = points + directions, *evaluate(which, points + directions)
    open_ = _above(value, values, fall)
    for _ in range(BACKTRACKS):
        if not open_.any():
            return best, value, slope, done
        rows = np.flatnonzero(open_)
        length[rows] /= 2
        best[rows] = points[rows] + _column(length[rows]) * directions[rows]
        value[rows], slope[rows], done[rows] = evaluate(which[rows], best[rows])
        open_[rows] = _above(value[rows], values[rows], length[rows] * fall[rows])
    best[open_], value[open_], slope[open_] = points[open_], values[open_], gradients[open_]
    return best, value, slope, done | open_


def _above(value: np.ndarray, before: np.ndarray, fall: np.ndarray) -> np.ndarray:
    """Where a function did not fall enough (Armijo's rule)."""
    return ~(value <= before + DECREASE * fall + NOISE * np.abs(before))


def _column(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float32)[:, np.newaxis]
