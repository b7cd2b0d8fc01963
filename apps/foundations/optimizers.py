"""Optimizers that step along the gradient, or a velocity that gradients feed; and Newton's.

``step(w, gradient)`` returns the next weights, of any shape; ``gradient`` is a function of weights,
so that Nesterov can ask for it elsewhere, and whoever trains chooses the samples behind it.

Formula: docs/foundations.md#optimizers.
Test: tests/apps/foundations/test_optimizers.py.
Picture: docs/foundations/optimizers.png, drawn by scripts/foundations/optimizers.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sightkit.apps.foundations import arguments

Array = np.ndarray
Gradient = Callable[[Array], Array]
FORMS = ("notes", "paper", "keras")  # as the notes write it, as its paper does, as Keras does


@dataclass
class Optimizer:
    """Update weights by gradients; remembers its own velocity and caches.

    Args:
        rate: learning rate α; from 0.1 down by tens is a good search.
        form: one of ``FORMS``; where a docstring names none, all three are the same.
    """

    rate: float = 0.01
    form: str = "paper"
    t: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        """Check what was given."""
        arguments.above_zero(rate=self.rate)
        arguments.choice("form", self.form, FORMS)
        for name in ("momentum", "early", "rho", "beta1", "beta2"):
            arguments.share(**{name: getattr(self, name, 0.0)})

    def step(self, w: Array, gradient: Gradient) -> Array:
        """Return the weights after one step."""
        raise NotImplementedError


@dataclass
class GradientDescent(Optimizer):
    """w ← w − αg: straight downhill."""

    def step(self, w: Array, gradient: Gradient) -> Array:
        """Return the weights after one step."""
        return w - self.rate * gradient(w)


@dataclass
class Momentum(Optimizer):
    """v ← γv + αg, w ← w − v: a ball that rolls; zig-zags cancel, the common direction adds up.

    Keras and another of the notes write p ← μp − αg, w ← w + p, which is the same with p = −v.
    ``early`` holds for the first ``settling`` steps ("0.5 until it settles").
    """

    momentum: float = 0.9
    early: float = 0.5
    settling: int = 0
    v: Any = field(default=0.0, init=False)

    def step(self, w: Array, gradient: Gradient) -> Array:
        """Return the weights after one step."""
        self.t += 1
        momentum = self.early if self.t <= self.settling else self.momentum
        self.v = momentum * self.v + self.rate * gradient(w)
        return w - self.v


@dataclass
class Nesterov(Optimizer):
    """Roll first, then correct by the gradient found there: brakes before the slope rises again.

    Forms: the notes take the gradient at w + μp, Keras keeps w + μp itself as the weights. The
    paper's (Nesterov 1983) μ grows by itself to 1.
    """

    momentum: float = 0.9
    p: Any = field(default=0.0, init=False)
    a: float = field(default=0.0, init=False)

    def step(self, w: Array, gradient: Gradient) -> Array:
        """Return the weights after one step."""
        if self.form == "keras":
            g = gradient(w)
            self.p = self.momentum * self.p - self.rate * g
            return w + self.momentum * self.p - self.rate * g
        momentum = self.momentum
        if self.form == "paper":
            a, self.a = self.a, (1 + np.sqrt(1 + 4 * self.a**2)) / 2
            momentum = (a - 1) / self.a
        self.p = momentum * self.p - self.rate * gradient(w + momentum * self.p)
        return w + self.p


@dataclass
class Newton(Optimizer):
    """w ← w − H⁻¹g: jumps to the centre of a quadratic, be it a minimum or a saddle.

    ``hessian`` is a function of weights (d,), to their second derivatives (d, d).
    """

    rate: float = 1.0
    hessian: Callable[[Array], Array] = field(kw_only=True)

    def step(self, w: Array, gradient: Gradient) -> Array:
        """Return the weights after one step."""
        advice = "Start elsewhere, add an L2 penalty, or take an optimizer that needs no Hessian."
        return w - self.rate * arguments.solve(self.hessian(w), gradient(w), advice)
