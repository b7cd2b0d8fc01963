"""Contexts after which a training is bit for bit as it was before."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator

import keras
import numpy as np


@contextlib.contextmanager
def restoring_random_state() -> Iterator[None]:
    """Restore the random states of Python and NumPy; data and new layers draw from them."""
    python, numpy = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)


@contextlib.contextmanager
def restoring_network(network: keras.Model) -> Iterator[None]:
    """Restore weights, optimizer, seeds and history of a compiled network."""
    if not network.optimizer.built:
        network.optimizer.build(network.trainable_variables)
    variables = [*network.variables, *network.optimizer.variables]
    before = [np.array(keras.ops.convert_to_numpy(variable.value)) for variable in variables]
    history = getattr(network, "history", None)
    try:
        yield
    finally:
        for variable, value in zip(variables, before, strict=True):
            variable.assign(value)
        network.history = history
        network.stop_training = False
        network.reset_metrics()
