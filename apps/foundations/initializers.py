"""Initializers: how large the weights are before anything is learned.

Too small, and the signal dies layer by layer; too large, and it saturates or explodes. The good
ones keep the variance: a sum of n products of unit variance needs weights of variance 1/n, and
twice that behind a ReLU, which throws half away.

Formula: docs/foundations.md#initializers. Test: tests/apps/foundations/test_initializers.py.
Picture: docs/foundations/backpropagation.png, drawn by scripts/foundations/backpropagation.py.
"""

from __future__ import annotations

import numpy as np

from sightkit._errors import SightkitError
from sightkit.apps.foundations import arguments

Array = np.ndarray


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return how many inputs an output has, and how many outputs an input.

    Args:
        shape: (n_in, n_out) of a dense layer; (F, F, D, K) of a convolution, which gives F·F·D and
            F·F·K.
    """
    if len(shape) < 2 or min(shape) < 1:
        raise SightkitError("Weights have at least two dimensions, none below 1.", shape=shape)
    window = int(np.prod(shape[:-2]))
    return window * shape[-2], window * shape[-1]


def constant(shape: tuple[int, ...], rng: np.random.Generator, value: float = 0.0) -> Array:
    """Every weight alike: all units of a layer then learn the same, for ever."""
    return np.full(shape, value)


def uniform(shape: tuple[int, ...], rng: np.random.Generator, limit: float = 0.05) -> Array:
    """Every value up to a limit is as likely as another; Keras' limit is 0.05."""
    return rng.uniform(-limit, limit, shape)


def normal(shape: tuple[int, ...], rng: np.random.Generator, deviation: float = 0.01) -> Array:
    """N(0, deviation²), whatever the layer's size: right for one size alone."""
    return rng.normal(0, deviation, shape)


def lecun(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """N(0, 1/n_in): keeps the variance of the signal (LeCun 1998)."""
    return rng.normal(0, np.sqrt(1 / fans(shape)[0]), shape)


def glorot(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """N(0, 2/(n_in + n_out)): between keeping the signal's and the gradient's variance.

    Glorot and Bengio (2010), also called Xavier; one of the notes writes 1/n_in under this
    name, which is LeCun's and the same where a layer has as many outputs as inputs.
    """
    return rng.normal(0, np.sqrt(2 / sum(fans(shape))), shape)


def he(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """N(0, 2/n_in): for ReLU (He et al. 2015, also called MSRA)."""
    return rng.normal(0, np.sqrt(2 / fans(shape)[0]), shape)


INITIALIZERS = {each.__name__: each for each in (constant, uniform, normal, lecun, glorot, he)}


def initialize(name: str, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Return weights by the name of an initializer, float64; an unknown one lists the nearest."""
    fans(shape)
    return INITIALIZERS[arguments.choice("initializer", name, INITIALIZERS)](shape, rng)
