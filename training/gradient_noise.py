"""Noise on the gradients that decays, the same whenever a run is resumed."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from sightkit._errors import SightkitError


def with_gradient_noise(
    optimizer: type[keras.optimizers.Optimizer],
    *,
    eta: float = 0.3,
    gamma: float = 0.55,
    seed: int = 0,
) -> Any:
    """Return an optimizer's class that adds normal noise, of variance η / (1 + t)^γ, to gradients.

    The noise is a pure function of seed, step and the variable's place in the list: a resumed run
    draws the same. It is added before the optimizer's own clipping.

    Args:
        optimizer: a class, for example ``keras.optimizers.SGD``.
        eta: variance at the first step; the paper tries 0.01, 0.3 and 1.0. 0 adds nothing.
        gamma: how fast it falls.
        seed: at least 0.

    Returns:
        A class that takes the arguments of ``optimizer``.

    Raises:
        SightkitError: an instance in place of a class, a negative strength or seed.

    Reference:
        Neelakantan et al., "Adding gradient noise improves learning for very deep networks",
        arXiv:1511.06807.

    Example:
        >>> with_gradient_noise(keras.optimizers.SGD, eta=0.01)(0.1, momentum=0.9).momentum
        0.9
    """
    require_optimizer_class(optimizer)
    if not (eta >= 0 and gamma >= 0 and seed >= 0):
        raise SightkitError(
            "eta, gamma and seed of gradient noise must be at least 0.",
            eta=eta,
            gamma=gamma,
            seed=seed,
        )

    class Noisy(optimizer):
        def apply(self, grads: Any, trainable_variables: Any = None) -> None:
            step = keras.ops.cast(self.iterations.value, "float32")
            deviation = keras.ops.sqrt(eta / (1 + step) ** gamma)
            noisy = [
                None if gradient is None else self._add_noise(gradient, place, deviation)
                for place, gradient in enumerate(grads)
            ]
            super().apply(noisy, trainable_variables)

        def _add_noise(self, gradient: Any, place: int, deviation: Any) -> Any:
            word = int(np.random.SeedSequence([seed, place]).generate_state(1)[0])
            source = _StepSeed(word, self.iterations.value)
            noise = keras.random.normal(gradient.shape, dtype="float32", seed=source)
            return gradient + keras.ops.cast(noise * deviation, gradient.dtype)

    Noisy.__name__ = Noisy.__qualname__ = f"Noisy{optimizer.__name__}"
    return Noisy


def require_optimizer_class(optimizer: Any) -> None:
    """Raise unless ``optimizer`` is a class of optimizers."""
    if not (isinstance(optimizer, type) and issubclass(optimizer, keras.optimizers.Optimizer)):
        raise SightkitError(
            "optimizer must be the class of an optimizer; the returned class takes its arguments.",
            "Write with_…(keras.optimizers.SGD)(0.1, momentum=0.9).",
            optimizer=optimizer,
        )


class _StepSeed(keras.random.SeedGenerator):
    """A seed made of a word and the step; Keras' own counts calls, in a variable."""

    def __init__(self, word: int, step: Any) -> None:  # without the variable of the base
        self.word = word
        self.step = step

    def next(self, ordered: bool = True) -> Any:
        """Return (2,), of the integers that the backend takes as a seed."""
        kind = "uint32" if keras.backend.backend() == "jax" else "int64"
        parts = (keras.ops.convert_to_tensor(self.word, kind), keras.ops.cast(self.step, kind))
        return keras.ops.stack(parts)
