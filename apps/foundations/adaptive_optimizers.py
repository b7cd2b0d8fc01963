"""Optimizers with a learning rate for every weight, made of the squares of its gradients.

Weights whose gradients were small take long steps, the others short ones. The forms differ where ε
is added, where averages start, and whether their start at 0 is corrected.

Formula: docs/foundations.md#optimizers.
Test: tests/apps/foundations/test_optimizers.py.
Picture: docs/foundations/optimizers.png, drawn by scripts/foundations/optimizers.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sightkit.apps.foundations.optimizers import Array, Gradient, Optimizer


@dataclass
class Adagrad(Optimizer):
    """cache ← cache + g², w ← w − αg / (ε + √cache): steps that only get shorter.

    Forms: Keras starts the cache at 0.1 and adds ε inside the root. (One of the notes forgets the
    sum: cache = g² makes every step α·sign(g), however flat the ground.)
    """

    cache: Any = field(default=0.0, init=False)

    def step(self, w: Array, gradient: Gradient) -> Array:
        """Return the weights after one step."""
        g = gradient(w)
        if self.form == "keras":
            self.cache = (0.1 if self.t == 0 else self.cache) + g**2
            self.t += 1
            return w - self.rate * g / np.sqrt(self.cache + 1e-7)
        self.cache = self.cache + g**2
        return w - self.rate * g / (1e-8 + np.sqrt(self.cache))


@dataclass
class Adadelta(Optimizer):
    """Adagrad over a window, its steps as long as the steps before: needs no learning rate.

    Forms: ε is the paper's 1e-6, in Keras 1e-7; Keras' own default rate is 0.001, here 1.
    """

    rate: float = 1.0
    rho: float = 0.95
    squares: Any = field(default=0.0, init=False)
    updates: Any = field(default=0.0, init=False)

    def step(self, w: Array, gradient: Gradient) -> Array:
        """Return the weights after one step."""
        g = gradient(w)
        epsilon = 1e-7 if self.form == "keras" else 1e-6
        self.squares = self.rho * self.squares + (1 - self.rho) * g**2
        update = -np.sqrt(self.updates + epsilon) / np.sqrt(self.squares + epsilon) * g
        self.updates = self.rho * self.updates + (1 - self.rho) * update**2
        return w + self.rate * update


@dataclass
class RMSprop(Optimizer):
    """cache ← ρ·cache + (1 − ρ)g², w ← w − αg / (ε + √cache): Adagrad that forgets.

    Forms: Keras adds ε inside the root.
    """

    rate: float = 0.001
    rho: float = 0.9
    cache: Any = field(default=0.0, init=False)

    def step(self, w: Array, gradient: Gradient) -> Array:
        """Return the weights after one step."""
        g = gradient(w)
        self.cache = self.rho * self.cache + (1 - self.rho) * g**2
        if self.form == "keras":
            return w - self.rate * g / np.sqrt(self.cache + 1e-7)
        return w - self.rate * g / (1e-8 + np.sqrt(self.cache))


@dataclass
class Adam(Optimizer):
    """RMSprop with momentum: m averages gradients, v their squares, w ← w − αm / (ε + √v).

    Forms: both averages start at 0 and are too small at first, v more than m; the notes leave that
    as it is, and their first step is three times too long. The paper divides by 1 − βᵗ. Keras does
    too, with an ε of 1e-7 that it adds to the uncorrected √v.
    """

    rate: float = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    m: Any = field(default=0.0, init=False)
    v: Any = field(default=0.0, init=False)

    def step(self, w: Array, gradient: Gradient) -> Array:
        """Return the weights after one step."""
        g = gradient(w)
        self.t += 1
        self.m = self.beta1 * self.m + (1 - self.beta1) * g
        self.v = self.beta2 * self.v + (1 - self.beta2) * g**2
        if self.form == "notes":
            return w - self.rate * self.m / (1e-8 + np.sqrt(self.v))
        unbias = np.sqrt(1 - self.beta2**self.t)
        epsilon = 1e-7 / unbias if self.form == "keras" else 1e-8
        m, root = self.m / (1 - self.beta1**self.t), np.sqrt(self.v) / unbias
        return w - self.rate * m / (epsilon + root)
