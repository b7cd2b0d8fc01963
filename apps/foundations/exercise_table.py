"""The exercises: functions of this app to write again, a row each.

Formula: docs/foundations.md#exercises. Test: tests/apps/foundations/test_exercises.py.
Picture: none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from sightkit.apps.foundations.gradient_check import uneven

Rng = np.random.Generator


class Exercise(NamedTuple):
    """A function that is left out, and what it is tried with.

    Attributes:
        module: file of this folder, ``"convolution"``.
        function: its name there, ``"convolution_backward"``; a method is ``"Class.method"``.
        arguments: of the module and a generator, to what the function is called with; a method's
            first is an instance, made by the module, which may be the learner's.
        outputs: what it returns, by name; of backward functions, by what the gradients are.
    """

    module: str
    function: str
    arguments: Callable[[Any, Rng], tuple[Any, ...]]
    outputs: tuple[str, ...] = ("it",)


def _x(*shape: int) -> Callable[[Any, Rng], tuple[Any, ...]]:
    return lambda module, rng: (rng.normal(size=shape),)


def _with_upstream(*shape: int) -> Callable[[Any, Rng], tuple[Any, ...]]:
    return lambda module, rng: (uneven(shape, int(rng.integers(99))), rng.normal(size=shape))


def _scores(module: Any, rng: Rng) -> tuple[Any, ...]:
    return rng.normal(scale=2, size=(5, 4)), rng.integers(0, 4, 5)


def _pictures(rng: Rng) -> tuple[Any, ...]:
    return rng.normal(size=(2, 6, 6, 3)), rng.normal(size=(3, 3, 3, 4))


def _sequences(rng: Rng, gates: int = 1) -> tuple[Any, ...]:
    """Sequences 2x5x3, and the weights of a cell of 4 units."""
    sizes = (2, 5, 3), (3, 4 * gates), (4, 4 * gates), (4 * gates,)
    return tuple(rng.normal(size=size) for size in sizes)


def _back_in_time(module: Any, rng: Rng) -> tuple[Any, ...]:
    x, w_xh, w_hh, _ = _sequences(rng)
    return uneven((2, 5, 4)), x, np.tanh(rng.normal(size=(2, 5, 4))), w_xh, w_hh


def _optimizer(name: str, *state: str) -> Callable[[Any, Rng], tuple[Any, ...]]:
    """An optimizer at its third step, weights, and the gradient of a bowl."""

    def arguments(module: Any, rng: Rng) -> tuple[Any, ...]:
        own = getattr(module, name)(rate=0.1)
        vars(own).update({each: rng.uniform(0.1, 1, 4) for each in state}, t=2)
        return own, rng.normal(size=4), lambda w: 2 * w

    return arguments


# fmt: off
ALL = (
    Exercise("neighbours", "distances", lambda m, r: tuple(r.normal(size=(2, 3, 4)))),
    Exercise("losses", "hinge", _scores, ("costs", "gradient")),
    Exercise("losses", "squared_hinge", _scores, ("costs", "gradient")),
    Exercise("losses", "cross_entropy", _scores, ("costs", "gradient")),
    Exercise("losses", "elastic_net", _x(4, 3), ("penalty", "gradient")),
    Exercise("optimizers", "Momentum.step", _optimizer("Momentum", "v")),
    Exercise("adaptive_optimizers", "RMSprop.step", _optimizer("RMSprop", "cache")),
    Exercise("adaptive_optimizers", "Adam.step", _optimizer("Adam", "m", "v")),
    Exercise("activations", "sigmoid", _x(3, 4)),
    Exercise("activations", "elu", _x(3, 4)),
    Exercise("activations", "softmax", _x(3, 4)),
    Exercise("activations", "relu_backward", _with_upstream(3, 4), ("x",)),
    Exercise("activations", "softmax_backward", _with_upstream(3, 4), ("x",)),
    Exercise("batch_normalization", "batch_normalization",
             lambda m, r: (r.normal(2, 3, (6, 4)), *r.normal(size=(2, 4)))),
    Exercise("batch_normalization", "batch_normalization_backward",
             lambda m, r: (*_with_upstream(6, 4)(m, r), r.normal(size=4)), ("x", "gamma", "beta")),
    Exercise("convolution", "output_size", lambda m, r: (2 * int(r.integers(9, 20)) + 1, 3, 2)),
    Exercise("convolution", "convolution", lambda m, r: (*_pictures(r), r.normal(size=4))),
    Exercise("convolution", "convolution_backward",
             lambda m, r: (uneven((2, 4, 4, 4)), *_pictures(r)), ("x", "kernels", "bias")),
    Exercise("kernels", "correlate", lambda m, r: (r.normal(size=(6, 5)), r.normal(size=(3, 3)))),
    Exercise("kernels", "rescale", _x(5, 6)),
    Exercise("pooling", "max_pooling", _x(2, 6, 6, 3), ("largest", "places")),
    Exercise("pooling", "average_pooling_backward",
             lambda m, r: (uneven((2, 3, 3, 2)), (2, 6, 6, 2)), ("x",)),
    Exercise("upsampling", "bed_of_nails", _x(2, 3, 3, 2)),
    Exercise("recurrent", "recurrent", lambda m, r: _sequences(r)),
    Exercise("recurrent", "recurrent_backward", _back_in_time, ("x", "w_xh", "w_hh", "bias", "h")),
    Exercise("lstm", "lstm", lambda m, r: _sequences(r, 4), ("i", "f", "g", "o", "c", "h")),
)
# fmt: on
EXERCISES = {each.function.removesuffix(".step").lower(): each for each in ALL}
"""By the name of the function, or of the optimizer in small letters."""
