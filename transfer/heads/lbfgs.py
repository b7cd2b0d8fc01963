"""L-BFGS for several independent functions at once (Nocedal and Wright 2006, algorithm 7.5).

One evaluation serves all of them, where that costs little more than one for one: a pass over the
same samples, read from memory once. Each has its own step and its own memory of gradients.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

MEMORY = 6
"""Steps that are remembered."""
ITERATIONS = 500
SHORT, SHORTEST = 2.0**-8, 2.0**-20
"""Parts of a step: below the first a function that does not fall by more than rounding counts as at
its least value, below the second any function."""
DECREASE = 1e-4
NOISE = 3e-7
"""Part of a function's value that counts as rounding: an increase by as much is none."""

Evaluate = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]
"""Which functions (A,), and points (A, D), to their values float64 (A,), gradients float32 (A, D),
and whether that is near enough to the least value, bool (A,)."""


def minimise(evaluate: Evaluate, start: np.ndarray) -> np.ndarray:
    """The points at which the functions are least.

    Each evaluation takes one trial of every function that is not done: a new step of those that
    fell at the last, and half the step of those that did not (Armijo's rule). One that does not
    fall any more is at its least value, as far as rounding lets one see.

    Args:
        evaluate: see ``Evaluate``. The functions are convex, and scaled such that a step of the
            gradient's own length is of the right size.
        start: float32 (P, D), a point for each function.

    Returns:
        float32 (P, D).
    """
    found, which = start.copy(), np.arange(len(start))
    values, gradients, done = evaluate(which, found)
    which = which[~done]
    at = _State(found[which], values[~done], gradients[~done], -gradients[~done])
    memory: deque[_Step] = deque(maxlen=MEMORY)
    for _ in range(ITERATIONS):
        if not len(which):
            break
        trials = at.points + _column(at.lengths) * at.directions
        values, gradients, done = evaluate(which, trials)
        fell = at.fell(values)
        stalled = at.stalled(values)
        steps = np.where(fell[:, np.newaxis], trials - at.points, 0)
        changes = np.where(fell[:, np.newaxis], gradients - at.gradients, 0)
        memory.append(_Step.between(steps, changes))
        at = at.moved(fell, trials, values, gradients, memory)
        over = np.where(fell, done | stalled, at.lengths < SHORTEST)
        if over.any():
            found[which[over]] = at.points[over]
            which, at = which[~over], at.only(~over)
            memory = deque((step.only(~over) for step in memory), maxlen=MEMORY)
    found[which] = at.points
    return found


@dataclass
class _State:
    """Where each function is, where it goes, and how far along at the next trial."""

    points: np.ndarray
    values: np.ndarray
    gradients: np.ndarray
    directions: np.ndarray
    lengths: np.ndarray = field(default_factory=lambda: np.empty(0))

    def __post_init__(self) -> None:
        if len(self.lengths) != len(self.points):
            self.lengths = np.ones(len(self.points))

    def fell(self, values: np.ndarray) -> np.ndarray:
        """Which trials are low enough (Armijo's rule)."""
        fall = np.vecdot(self.directions, self.gradients).astype(np.float64)
        allowed = DECREASE * self.lengths * fall + NOISE * np.abs(self.values)
        return values <= self.values + allowed

    def stalled(self, values: np.ndarray) -> np.ndarray:
        """Which trials are so near that they should be lower, and are not."""
        return (self.lengths < SHORT) & (values >= self.values - NOISE * np.abs(self.values))

    def moved(
        self,
        fell: np.ndarray,
        points: np.ndarray,
        values: np.ndarray,
        gradients: np.ndarray,
        memory: deque[_Step],
    ) -> _State:
        """Those that fell are at their trial, with a new direction; others take half the step."""
        column = fell[:, np.newaxis]
        gradients = np.where(column, gradients, self.gradients)
        directions = np.where(column, _directions(gradients, memory), self.directions)
        uphill = np.vecdot(directions, gradients) >= 0
        directions[uphill] = -gradients[uphill]
        return _State(
            np.where(column, points, self.points),
            np.where(fell, values, self.values),
            gradients,
            directions,
            np.where(fell, 1.0, self.lengths / 2),
        )

    def only(self, rows: np.ndarray) -> _State:
        """Some of the functions."""
        fields = (self.points, self.values, self.gradients, self.directions, self.lengths)
        return _State(*(each[rows] for each in fields))


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
    length = np.zeros(len(q))
    for each in memory:  # of the last step that a function took
        squares = np.vecdot(each.change, each.change).astype(np.float64) * each.weight
        length = np.where(each.weight > 0, squares, length)
    q /= _column(np.where(length > 0, length, 1))
    for each, share in zip(memory, reversed(shares), strict=True):
        back = share - each.weight * np.vecdot(each.change, q)
        q += np.multiply(each.step, _column(back), out=room)
    return np.negative(q, out=q)


def _column(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float32)[:, np.newaxis]
