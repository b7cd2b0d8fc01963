"""What a callback needs to be resumed exactly, and to read the epoch's logs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from sightkit._errors import SightkitError


class StatefulCallback(keras.callbacks.Callback):
    """A callback whose memory is part of every checkpoint.

    ``get_state`` is asked after each epoch, ``set_state`` is given the answer before a resumed
    run goes on; the value is JSON (no NaN, no infinity).
    """

    def get_state(self) -> dict[str, Any]:
        """Everything that the callback remembers, as JSON."""
        raise NotImplementedError

    def set_state(self, state: dict[str, Any]) -> None:
        """Remember what ``get_state`` gave."""
        raise NotImplementedError


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


def require_mode(mode: str) -> None:
    """Raise unless ``mode`` says whether lower or higher is better."""
    if mode not in ("min", "max"):
        raise SightkitError('mode must be "min" or "max".', mode=mode)
