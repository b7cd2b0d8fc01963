"""Contexts after which a training is bit for bit as it was before."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator, Sequence

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
def restoring_variables(variables: Sequence[keras.Variable]) -> Iterator[None]:
    """Restore the values of variables."""
    before = [np.array(keras.ops.convert_to_numpy(variable.value)) for variable in variables]
    try:
        yield
    finally:
        for variable, value in zip(variables, before, strict=True):
            variable.assign(value)


@contextlib.contextmanager
def restoring_network(network: keras.Model) -> Iterator[None]:
    """Restore weights, optimizer, seeds, history and steps per execution of a compiled network."""
    if not network.optimizer.built:
        network.optimizer.build(network.trainable_variables)
    history, steps = getattr(network, "history", None), network.steps_per_execution
    try:
        with restoring_variables([*network.variables, *network.optimizer.variables]):
            yield
    finally:
        network.history = history
        set_steps_per_execution(network, steps)
        network.stop_training = False
        network.reset_metrics()


def set_steps_per_execution(network: keras.Model, count: int) -> None:
    """Set the steps per execution; functions that were traced with another number are dropped."""
    network.steps_per_execution = count
    network.train_function = network.test_function = network.predict_function = None
