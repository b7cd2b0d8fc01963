"""What a callback needs to be resumed exactly."""

from __future__ import annotations

from typing import Any

import keras


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
