"""Learning rates of their own for some of a network's weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from sightkit._errors import SightkitError
from sightkit.training.gradient_noise import require_optimizer_class


def with_rate_multipliers(
    optimizer: type[keras.optimizers.Optimizer], multipliers: Mapping[str, float]
) -> Any:
    """Return an optimizer's class that multiplies the learning rate of weights by their names.

    Args:
        optimizer: a class, for example ``keras.optimizers.SGD``.
        multipliers: last part of a weight's path (``"beta"``, ``"bias"``) to a factor above 0.

    Returns:
        A class that takes the arguments of ``optimizer``.

    Raises:
        SightkitError: an instance in place of a class, or a factor that is not above 0.

    Example:
        >>> with_rate_multipliers(keras.optimizers.SGD, {"beta": 64})(0.1, momentum=0.9).momentum
        0.9
    """
    require_optimizer_class(optimizer)
    if not all(factor > 0 for factor in multipliers.values()):
        raise SightkitError(
            "Multipliers of the learning rate must be above 0.", multipliers=dict(multipliers)
        )

    class Multiplied(optimizer):
        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            # On TensorFlow it is the backend's own variable, which has no path.
            path = self._trainable_variables[self._get_variable_index(variable)].path
            factor = multipliers.get(path.rpartition("/")[2], 1.0)
            rate = learning_rate if factor == 1.0 else learning_rate * factor
            super().update_step(gradient, variable, rate)

    Multiplied.__name__ = Multiplied.__qualname__ = f"Multiplied{optimizer.__name__}"
    return Multiplied
