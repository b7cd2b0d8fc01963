"""Keras' ``fit`` with a run folder under it: exact resume, best weights, signals."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Sequence
from types import FrameType
from typing import Any, Protocol

import keras

from sightkit import _files
from sightkit._errors import Interrupted, SightkitError
from sightkit.callbacks import BestCheckpoint, StatefulCallback, TrainingMonitor
from sightkit.training.run import Run
from sightkit.training.state import TrainingState

WITHOUT_MEMORY = (
    keras.callbacks.LambdaCallback,
    keras.callbacks.LearningRateScheduler,
    keras.callbacks.TensorBoard,
    keras.callbacks.TerminateOnNaN,
)


class EpochData(Protocol):
    """What ``fit`` asks of training data, beside being what Keras takes."""

    def set_epoch(self, epoch: int) -> None:
        """Let the next pass be that of ``epoch``, from 0."""
        ...


def fit(
    model: keras.Model,
    train: EpochData,
    validation: Any,
    *,
    run: Run,
    epochs: int,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> list[dict[str, float]]:
    """Train a compiled network, and leave it with the weights of its best epoch.

    After each epoch history, curves, best weights (lowest validation loss) and a checkpoint of
    the whole state are written to the run folder. If the run is resumed, the newest checkpoint is
    restored first; the end is bit-equal to a run that was never stopped (CPU, same versions and
    threads). SIGINT and SIGTERM finish the batch and raise; a second one stops at once.

    Args:
        model: compiled network.
        train: ``io.HDF5DatasetGenerator`` of the training split.
        validation: the same of the validation split, unshuffled.
        run: the folder.
        epochs: number of passes in all, those before a resume counted.
        callbacks: further callbacks: ``callbacks.StatefulCallback``, whose memory is saved with
            the weights, or those of Keras that have none (LambdaCallback, LearningRateScheduler,
            TensorBoard, TerminateOnNaN).

    Returns:
        One dict an epoch: ``epoch``, ``loss``, ``val_loss``, …, ``learning_rate``.

    Raises:
        SightkitError: a callback that a resume would start anew, or a disk that is too small.
        Interrupted: a signal came; everything up to the last whole epoch is saved.
    """
    _require_resumable(callbacks)
    best = BestCheckpoint(run.path(_files.CHECKPOINTS) / _files.BEST_WEIGHTS)
    monitor = TrainingMonitor(run.folder)
    stateful = [c for c in callbacks if isinstance(c, StatefulCallback)]
    state = TrainingState(model, [best, monitor, *stateful], run.path(_files.CHECKPOINTS))
    state.require_space()
    last = state.restore_latest() if run.resumed else None
    initial_epoch = 0 if last is None else last + 1
    if initial_epoch:
        print(f"Resuming after epoch {initial_epoch} of {epochs}.")
    if initial_epoch < epochs and not state.finished:
        with _Signals() as signals, contextlib.closing(monitor):
            model.fit(
                train,
                validation_data=validation,
                epochs=epochs,
                initial_epoch=initial_epoch,
                shuffle=False,  # the generator shuffles, by seed and epoch
                verbose=1 if sys.stdout.isatty() else 2,
                callbacks=[
                    _EpochOrder(train),
                    *callbacks,
                    best,
                    monitor,
                    _SaveState(state),
                    signals.callback,
                ],
            )
            signals.callback.stop()  # one that came after the last epoch's end
    best.set_model(model)
    best.restore()
    return monitor.rows


def _require_resumable(callbacks: Sequence[keras.callbacks.Callback]) -> None:
    """Exact types: a subclass may remember what its base does not."""
    for callback in callbacks:
        if not isinstance(callback, StatefulCallback) and type(callback) not in WITHOUT_MEMORY:
            raise SightkitError(
                "A callback's memory must be saved with the weights, else a resumed run differs.",
                "Derive it from sightkit.callbacks.StatefulCallback: get_state gives what it "
                "remembers ({} for nothing), set_state takes it back.",
                callback=type(callback).__name__,
            )


class _EpochOrder(keras.callbacks.Callback):
    """Tells the data which epoch comes, before Keras reads the first batch of it."""

    def __init__(self, data: EpochData) -> None:
        super().__init__()
        self.data = data

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.data.set_epoch(epoch)


class _SaveState(keras.callbacks.Callback):
    """Saves the state after each epoch; comes after every callback that is part of it."""

    def __init__(self, state: TrainingState) -> None:
        super().__init__()
        self.state = state

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        _files.crash_point("epoch.before_checkpoint")
        self.state.save(epoch)
        _files.crash_point("epoch.after_checkpoint")


class _Signals:
    """While it is entered, SIGINT and SIGTERM end the training after the batch that runs."""

    def __init__(self) -> None:
        self.received: int | None = None
        self.callback = _StopOnSignal(self)
        self._before: dict[int, Any] = {}

    def __enter__(self) -> _Signals:
        if threading.current_thread() is threading.main_thread():  # else Python allows no handler
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.received = number
        for known, handler in self._before.items():
            signal.signal(known, handler)


class _StopOnSignal(keras.callbacks.Callback):
    def __init__(self, signals: _Signals) -> None:
        super().__init__()
        self.signals = signals
        self.epoch = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self.stop()

    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self.stop()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.epoch = epoch + 1
        self.stop()

    def stop(self) -> None:
        """Raise if a signal has come."""
        if self.signals.received is not None:
            name = signal.Signals(self.signals.received).name
            raise Interrupted(
                f"Stopped by {name}; everything up to epoch {self.epoch} is saved. "
                "Give the same command with --resume to go on.",
                128 + self.signals.received,
            )
