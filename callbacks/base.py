"""The base of callbacks that are resumed exactly, and the reader of an epoch's logs."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import keras

from sightkit._errors import SightkitError
from sightkit._schema import checked


class StatefulCallback(keras.callbacks.Callback):
    """A callback whose memory is part of every checkpoint.

    A subclass names its attributes in ``memory``, or writes both methods.

    ``get_state`` is called after each epoch, ``set_state`` gets its value before a resumed run
    continues; the value is JSON (no NaN, no infinity).
    """

    memory: ClassVar[Sequence[str] | Mapping[str, Any]]
    """Attributes with JSON values that are all that the callback remembers; perhaps with the types
    that a checkpoint's are compared with."""

    def get_state(self) -> dict[str, Any]:
        """Everything that the callback remembers, as JSON."""
        return copy.deepcopy({name: getattr(self, name) for name in self.memory})

    def set_state(self, state: dict[str, Any]) -> None:
        """Remember what ``get_state`` gave.

        Raises:
            ValueError: it is of another type.
        """
        types = self.memory if isinstance(self.memory, Mapping) else {}
        for name in self.memory:
            value = checked(state[name], types[name]) if name in types else state[name]
            setattr(self, name, copy.deepcopy(value))


def monitored(logs: Mapping[str, Any] | None, name: str) -> float:
    """The value that a callback watches.

    Raises:
        SightkitError: it is not among the logs; the message lists those there are.
    """
    logs = logs or {}
    if name not in logs:
        raise SightkitError(
            "The monitored value must be among the logs.",
            f"The logs have {sorted(logs)}.",
            monitor=name,
        )
    return float(logs[name])


def gain(best: float | None, value: float, mode: str) -> float:
    """By how much a value is better than the best so far; the first is infinitely better."""
    if best is None:
        return math.inf
    return best - value if mode == "min" else value - best


def rate_of(model: keras.Model) -> float:
    """The learning rate of the next step."""
    return float(keras.ops.convert_to_numpy(model.optimizer.learning_rate))


def require_mode(mode: str) -> None:
    """Raise unless ``mode`` is ``"min"`` or ``"max"``."""
    if mode not in ("min", "max"):
        raise SightkitError('mode must be "min" or "max".', mode=mode)
