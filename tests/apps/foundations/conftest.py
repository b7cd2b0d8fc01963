"""Gradients by finite differences and by automatic differentiation, for all programs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest


@pytest.fixture(scope="session")
def finite_differences() -> Callable[..., np.ndarray]:
    """``finite_differences(function, values)``: the gradient of a number by each of the values."""

    def gradient(function, values, step=1e-6):
        values = np.array(values, np.float64)
        found = np.zeros_like(values)
        for place in np.ndindex(values.shape):
            up, down = values.copy(), values.copy()
            up[place] += step
            down[place] -= step
            found[place] = (function(up) - function(down)) / (2 * step)
        return found

    return gradient


@pytest.fixture(scope="session")
def keras_gradient() -> Callable[..., np.ndarray]:
    """``keras_gradient(function, values)``: the same in float64 of a function of ``keras.ops``."""

    def gradient(function, values):
        import keras

        from sightkit.training.gradients import differentiate

        of_list = differentiate(lambda given: (function(given[0]), None), compiled=False)
        tensor = keras.ops.convert_to_tensor(np.asarray(values, np.float64))
        return keras.ops.convert_to_numpy(of_list([tensor])[2][0])

    return gradient
