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


def _pictures(rng: Rng) -> tuple[Any, ...]:
    """Pictures 2x6x6x3 and kernels 3x3x3x4."""
    return rng.normal(size=(2, 6, 6, 3)), rng.normal(size=(3, 3, 3, 4))


def _sequences(rng: Rng, gates: int = 1) -> tuple[Any, ...]:
    """Sequences 2x5x3, and the weights of a cell of 4 units."""
    sizes = (2, 5, 3), (3, 4 * gates), (4, 4 * gates), (4 * gates,)
    return tuple(rng.normal(size=size) for size in sizes)


def _back_in_time(module: Any, rng: Rng) -> tuple[Any, ...]:
    x, w_xh, w_hh, _ = _sequences(rng)
    return uneven((2, 5, 4)), x, np.tanh(rng.normal(size=(2, 5, 4))), w_xh, w_hh


EXERCISES = {
    # The name is that of the function, or of the class in small letters.
    each.function.removesuffix(".step").lower(): each
    for each in (
        Exercise("activations", "sigmoid", _x(3, 4)),
        Exercise("activations", "softmax", _x(3, 4)),
        Exercise("activations", "relu_backward", _with_upstream(3, 4), ("x",)),
        Exercise("activations", "elu", _x(3, 4)),
        Exercise("activations", "softmax_backward", _with_upstream(3, 4), ("x",)),
        Exercise(
            "batch_normalization",
            "batch_normalization",
            lambda m, r: (r.normal(2, 3, (6, 4)), r.normal(size=4), r.normal(size=4)),
        ),
        Exercise(
            "batch_normalization",
            "batch_normalization_backward",
            lambda m, r: (uneven((6, 4)), r.normal(2, 3, (6, 4)), r.normal(size=4)),
            ("x", "gamma", "beta"),
        ),
        Exercise(
            "convolution", "output_size", lambda m, r: (int(r.integers(9, 20)) * 2 + 1, 3, 2, 1)
        ),
        Exercise(
            "convolution", "convolution", lambda m, r: (*_pictures(r), r.normal(size=4), 1, 1)
        ),
        Exercise(
            "convolution",
            "convolution_backward",
            lambda m, r: (uneven((2, 4, 4, 4)), *_pictures(r)),
            ("x", "kernels", "bias"),
        ),
        Exercise(
            "kernels", "correlate", lambda m, r: (r.normal(size=(6, 7)), r.normal(size=(3, 3)))
        ),
        Exercise("kernels", "rescale", _x(5, 6)),
        Exercise("pooling", "max_pooling", _x(2, 6, 6, 3), ("largest", "places")),
        Exercise(
            "pooling",
            "average_pooling_backward",
            lambda m, r: (uneven((2, 3, 3, 2)), (2, 6, 6, 2)),
            ("x",),
        ),
        Exercise("upsampling", "bed_of_nails", _x(2, 3, 3, 2)),
        Exercise("recurrent", "recurrent", lambda m, r: _sequences(r)),
        Exercise(
            "recurrent",
            "recurrent_backward",
            _back_in_time,
            ("x", "w_xh", "w_hh", "bias", "h"),
        ),
        Exercise("lstm", "lstm", lambda m, r: _sequences(r, 4), ("i", "f", "g", "o", "c", "h")),
    )
}
