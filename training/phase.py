"""One phase of a training: restored, checked, trained, and ended with its best weights."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from sightkit import _run_files, _terminal
from sightkit._errors import SightkitError
from sightkit._network import build_metrics
from sightkit._scripts import as_given, warn
from sightkit.callbacks import (
    BestCheckpoint,
    History,
    StatefulCallback,
    StopOnDivergence,
    TrainingMonitor,
)
from sightkit.training.callback_list import SetEpoch, TrainingCallbacks
from sightkit.training.checks.preflight import preflight as check_before
from sightkit.training.checks.report import FAILED
from sightkit.training.data_adapter import adapt
from sightkit.training.distribute import group as processes
from sightkit.training.execution_plan import plan_execution
from sightkit.training.interruption import SaveState
from sightkit.training.precision_hint import precision_hint
from sightkit.training.prolonged import report_prolonged
from sightkit.training.restore import restoring_variables
from sightkit.training.run import Run
from sightkit.training.state import Position, TrainingState
from sightkit.training.together import (
    BringTogether,
    require_agreement,
    share_data,
    share_run,
    spread_seeds,
)

WORTH_MEASURING = 5_000
"""Steps. Measuring takes up to ten seconds, and can save two milliseconds a step."""


def train_phase(
    model: keras.Model,
    train: Any,
    validation: Any,
    run: Run,
    epochs: int,
    callbacks: Sequence[keras.callbacks.Callback],
    *,
    phase: str,
    after: Sequence[Mapping[str, float]],
    guard: bool,
    checks: str,
) -> History:
    """Train one phase of an open run, or what is left of it; ``fit`` says how."""
    group = processes()
    require_agreement(group, model, train, epochs=epochs, phase=phase)
    share_run(group, run, phase)
    folder = run.checkpoints(phase)
    images = len(validation.rows(0)) if hasattr(validation, "rows") else None
    file = folder / _run_files.BEST_WEIGHTS
    best = BestCheckpoint(file, keep=run.checkpoint_style, images=images)
    monitor = TrainingMonitor(run.folder, phase=_number_of(phase, after), before=after, best=best)
    divergence = StopOnDivergence(train, best=best)
    stateful = [c for c in callbacks if isinstance(c, StatefulCallback)]
    stateful = [best, monitor, divergence, *stateful]
    start = Position(len(after))
    epochs += start.epoch
    state = TrainingState(model, stateful, folder, start, f"{run.id} {phase}", group)
    _restore(state, run, start)
    if phase:
        print(f"Phase {phase}: epochs {start.epoch + 1} to {epochs}.")
    if state.position > start:
        print(state.position.before(epochs))
        report_prolonged(run, state, monitor, start, epochs)
    elif after:
        best.continue_from(model, after)
    elif checks != "off":
        _check(model, train, validation, run, full=checks == "full")
    if state.position.epoch < epochs and not state.finished:
        build_metrics(model, train[0][1])
        _plan(model, train, run, folder, steps=(epochs - state.position.epoch) * len(train))
        watching = [*[divergence] * guard, *callbacks, best, monitor]
        with contextlib.closing(monitor):
            _train(model, train, validation, run, epochs, state, watching)
    run.start()
    best.set_model(model)
    # The file of the best epoch holds its optimizer too, whose average of weights ends there.
    averaging = hasattr(model.optimizer, "averages")
    with restoring_variables(model.optimizer.variables if averaging else ()):
        best.restore()
    if phase and best.best_epoch is not None:
        print(f"The best so far is epoch {best.best_epoch + 1}; phase {phase} ends with it.")
    return History(monitor.rows)


def _restore(state: TrainingState, run: Run, start: Position) -> None:
    """Take the newest checkpoint of a run that is resumed."""
    state.require_space()
    if run.resumed:
        state.restore_latest()
    if not state.of_as_many:
        warn(
            f"As the run is now one of {state.group.size} processes, its end will not be bit-equal "
            "to that of a run that was never stopped."
        )
    if state.position == start or not state.of_as_many:
        spread_seeds(state.group, state.model)


def _check(model: keras.Model, train: Any, validation: Any, run: Run, *, full: bool) -> None:
    """Print the checks before the first epoch; raise if one failed.

    Of several processes the first checks, and all end where a check fails.
    """
    group, failed = processes(), []
    if group.is_first:
        found = check_before(model, train, validation, run_folder=run.folder, full=full)
        print(found, flush=True)
        failed = [line.name for line in found.lines if line.verdict == FAILED]
    if group.sum(np.array([len(failed)]))[0]:
        raise SightkitError(
            "A training begins when no check fails.",
            "Do what the failed lines above say, or give --preflight off to train all the same.",
            failed=failed,
        )


def _plan(model: keras.Model, train: Any, run: Run, folder: Path, steps: int) -> None:
    """Choose how steps are executed, by time where that can pay for itself."""
    measure = not run.smoke and steps >= WORTH_MEASURING and processes().size == 1
    plan_execution(model, train, folder=folder, measure=measure)
    if measure and not run.resumed and (hint := precision_hint(model, train)):
        print(as_given(hint), flush=True)


def _train(
    model: keras.Model,
    train: Any,
    validation: Any,
    run: Run,
    epochs: int,
    state: TrainingState,
    watching: Sequence[keras.callbacks.Callback],
) -> None:
    """Train this process's share of the epochs that are left; a signal saves after its batch."""
    group, batches = state.group, len(train)
    train, validation = share_data(group, train, validation)
    weight = getattr(train, "weight", lambda batch: 1.0)
    saving = SaveState(state, run.how_to_resume, run.start, group, weight)
    together = BringTogether(group, batches, validation)
    listed = TrainingCallbacks(
        [SetEpoch(train, state), together, *watching, saving],
        add_history=True,
        add_progbar=True,
        model=model,
        epochs=epochs,
        batches=batches,
        verbose=1 if sys.stdout.isatty() else 2,
    )
    with saving, _terminal.drawing(), group.averaging(model):
        listed.begin()
        _train_epochs(model, train, validation, epochs, state, listed)
        listed.end()
        saving.stop()  # a signal may have come after the last epoch's end


def _train_epochs(
    model: keras.Model,
    train: Any,
    validation: Any,
    epochs: int,
    state: TrainingState,
    callbacks: TrainingCallbacks,
) -> None:
    """Train the rest of the epoch that was left, if one was; then those that follow."""
    # Keras shuffles batches; the generator mixes images, by seed and epoch.
    common = {"validation_data": adapt(validation), "callbacks": callbacks, "shuffle": False}
    first, batch = state.position.epoch, state.position.batch
    if batch:
        model.test_on_batch(*train[0])  # makes the metrics' variables, which are restored
    if batch == len(train):
        _validate(model, validation, state, callbacks)
        train.set_epoch(first + 1)
    elif batch:
        train.set_epoch(first, batch)  # Keras asks for the length before an epoch begins
        callbacks.first_batch = batch
        model.fit(adapt(train), initial_epoch=first, epochs=first + 1, **common)
        callbacks.first_batch = 0
    following = first + bool(batch)
    if following < epochs and not (batch and model.stop_training):
        model.fit(adapt(train), initial_epoch=following, epochs=epochs, **common)


def _validate(
    model: keras.Model, validation: Any, state: TrainingState, callbacks: TrainingCallbacks
) -> None:
    """End an epoch that was left after its last batch."""
    epoch = state.position.epoch
    model.stop_training = False
    callbacks.on_epoch_begin(epoch)
    found = model.evaluate(adapt(validation), callbacks=callbacks, verbose=0, return_dict=True)
    state.restore_metrics()
    logs = model.get_metrics_result() | {f"val_{name}": value for name, value in found.items()}
    callbacks.on_epoch_end(epoch, logs)


def _number_of(phase: str, after: Sequence[Mapping[str, float]]) -> int:
    """Return the phase's number, from 1; 0 for a training without phases."""
    return int(after[-1].get("phase", 1)) + 1 if after else int(bool(phase))
