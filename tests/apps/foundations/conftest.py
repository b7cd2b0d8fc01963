"""Gradients by finite differences and by automatic differentiation, for all programs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from sightkit.apps.foundations import numerical_gradient, relative_error


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


@pytest.fixture(scope="session")
def against_differences():
    """``(function, values, gradients, upstream)``: each gradient by differences in it alone."""

    def check(function, values, gradients, upstream, tolerance=1e-6):
        for k, (value, gradient) in enumerate(zip(values, gradients, strict=True)):

            def alone(x, k=k):
                return function(*values[:k], x, *values[k + 1 :])

            wanted = numerical_gradient(alone, value, upstream)
            assert gradient.shape == np.shape(value)
            assert relative_error(gradient, wanted) < tolerance, f"argument {k}"

    return check


@pytest.fixture(scope="session")
def against_keras():
    """``(function of keras.ops, values, output, gradients, upstream)``, in float64."""

    def check(function, values, output, gradients, upstream, tolerance=1e-7):
        import keras

        from sightkit.training.gradients import differentiate

        given = [keras.ops.convert_to_tensor(np.asarray(v, np.float64), "float64") for v in values]
        weights = keras.ops.convert_to_tensor(upstream, "float64")

        def scalar(tensors):
            answer = function(*tensors)
            return keras.ops.sum(answer * weights), answer

        _, answer, found = differentiate(scalar, compiled=False)(given)
        assert relative_error(output, keras.ops.convert_to_numpy(answer)) < tolerance
        for k, (gradient, wanted) in enumerate(zip(gradients, found, strict=True)):
            error = relative_error(gradient, keras.ops.convert_to_numpy(wanted))
            assert error < tolerance, f"argument {k}: {error}"

    return check
