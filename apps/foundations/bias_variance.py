"""Where an error comes from: bias, variance, and noise; measured by fitting many times.

A model is fitted to many training sets drawn from the same source. What all fits get wrong together
is bias; how far they lie apart is variance: expected squared error = bias² + variance + noise.

Formula: docs/foundations.md#bias-and-variance.
Test: tests/apps/foundations/test_bias_variance.py.
Picture: docs/foundations/bias_variance.png, drawn by scripts/foundations/bias_variance.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from sightkit.apps.foundations import arguments

Array = np.ndarray
Draw = Callable[[np.random.Generator], tuple[Array, Array]]
"""Draws a training set: samples (n, d) and numbers (n,)."""


class Model(Protocol):
    """What can be fitted and asked, as all of this folder and of scikit-learn."""

    def fit(self, x: Any, y: Any) -> Any:
        """Learn from samples (n, d) and targets (n,)."""

    def predict(self, x: Any) -> Array:
        """Return answers (m,) to samples (m, d)."""
        ...


@dataclass(frozen=True)
class Decomposition:
    """What an error is made of.

    Attributes:
        predictions: (fits, m), the answers of each fit to the same m samples.
        bias2: mean over the samples of (mean answer − truth)².
        variance: mean over the samples of the answers' variance.
        error: mean of (answer − truth)², which is their sum; noise is not in it.
    """

    predictions: Array
    bias2: float
    variance: float
    error: float


def decompose(
    model: Callable[[], Model],
    draw: Draw,
    x: Array,
    truth: Array,
    *,
    fits: int = 100,
    seed: int = 0,
) -> Decomposition:
    """Fit a new model to each of many training sets, and take its error to pieces.

    Args:
        model: makes a model that was not fitted yet.
        draw: draws a training set.
        x: samples (m, d) to ask about.
        truth: their true numbers (m,), without noise.
        fits: training sets.
        seed: of the draws.
    """
    arguments.counts(fits=fits)
    rng = np.random.default_rng(seed)
    predictions = np.array([model().fit(*draw(rng)).predict(x) for _ in range(fits)])
    mean = predictions.mean(axis=0)
    return Decomposition(
        predictions,
        bias2=float(((mean - truth) ** 2).mean()),
        variance=float(predictions.var(axis=0).mean()),
        error=float(((predictions - truth) ** 2).mean()),
    )


def noisy(function: Callable[[Array], Array], count: int, noise: float) -> Draw:
    """Return a source of training sets: ``count`` x from 0 to 1, function(x) + Gaussian noise."""

    def draw(rng: np.random.Generator) -> tuple[Array, Array]:
        x = rng.uniform(0, 1, count)
        return x[:, None], function(x) + rng.normal(0, noise, count)

    return draw


def resampled(x: Array, y: Array) -> Draw:
    """Return a source for real data, of which there is one set: the bootstrap, drawn with return.

    It stands in for new data, and finds less variance than new data would show: a third of each
    set is repeated.
    """

    def draw(rng: np.random.Generator) -> tuple[Array, Array]:
        rows = rng.integers(0, len(x), len(x))
        return x[rows], y[rows]

    return draw
