"""Save a training: after each epoch, when a signal asks to stop, and every few minutes."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

import keras
import numpy as np

from sightkit import _faults
from sightkit._errors import Interrupted
from sightkit._scripts import as_given
from sightkit.training.group import ALONE, SAVE, STOP, Group
from sightkit.training.state import Position, TrainingState, present_values

SECONDS_BETWEEN = 600
"""A kill -9 costs no more than this, however long an epoch is."""


class SaveState(keras.callbacks.Callback):
    """Saves after each epoch and within it; comes last of all callbacks, whose state it saves.

    Use it as a context manager: while it is entered, SIGINT and SIGTERM end the training after
    the batch that runs, once the state is saved; a second one stops at once. An optimizer that
    averages weights when an epoch's ``fit`` ends (``use_ema``) is saved after whole epochs only.

    Args:
        state: what is saved.
        how_to_resume: next step, for the message.
        saved: called after each save: there is something to continue from.
        group: processes that train together; each hears of a signal to another.
        weight: batch to the weight of this process's gradients.
    """

    def __init__(
        self,
        state: TrainingState,
        how_to_resume: str = "",
        saved: Callable[[], None] = lambda: None,
        group: Group = ALONE,
        weight: Callable[[int], float] = lambda batch: 1.0,
    ) -> None:
        super().__init__()
        self.saved = saved
        self.how_to_resume = as_given(how_to_resume)
        self.state = state
        self.group, self.weight = group, weight
        self.received: int | None = None
        self.position = state.position
        self._trained: list[np.ndarray] = []
        self._last = time.monotonic()
        self._before: dict[int, Any] = {}

    def __enter__(self) -> SaveState:
        if threading.current_thread() is threading.main_thread():  # else Python allows no handler
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Count from here."""
        self.position = Position(epoch, self.position.batch if epoch == self.position.epoch else 0)

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Tell the other processes of a signal."""
        self.group.before_step(self._request, self.weight(batch))

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Save if a signal came, to any process, or ten minutes have passed."""
        self.position = Position(self.position.epoch, batch + 1)
        request = self.group.requested(self._request)
        self._hear(request >= STOP)
        if request:
            self._save(present_values(self.model, self.model.metrics_variables))

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Keep the sums of the training: validation uses the same variables."""
        self._trained = present_values(self.model, self.model.metrics_variables)

    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Save if a signal came."""
        if self.received is not None and self.group.size == 1:
            self._save(self._trained)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Save; stop if a signal came."""
        self.position = Position(epoch + 1)
        _faults.crash_point("epoch.before_checkpoint")
        self.state.save(self.position)
        self.saved()
        _faults.crash_point("epoch.after_checkpoint")
        self._last = time.monotonic()
        if self.group.size > 1:
            self._hear(bool(self.group.sum(np.array([self.received is not None], np.int32))[0]))
        self.stop()

    def stop(self) -> None:
        """Raise if a signal has come."""
        if self.received is not None:
            raise Interrupted(
                f"Stopped by {signal.Signals(self.received).name}; everything up to "
                f"{self.position} is saved. {self.how_to_resume}",
                128 + self.received,
            )

    @property
    def _request(self) -> int:
        due = self.group.is_first and time.monotonic() - self._last > SECONDS_BETWEEN
        return STOP * (self.received is not None) + SAVE * due

    def _hear(self, stopped: bool) -> None:
        """Take a signal to another process for one to this."""
        if stopped and self.received is None:
            self.received = signal.SIGTERM

    def _save(self, metrics: list[np.ndarray]) -> None:
        if self.model.optimizer.use_ema:
            self.position = Position(self.position.epoch)
        else:
            self.state.save(self.position, metrics)
            self.saved()
        self._last = time.monotonic()
        self.stop()

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.received = number
        for known, handler in self._before.items():
            signal.signal(known, handler)
