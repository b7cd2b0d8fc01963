"""Keras' ``fit`` with a run folder under it: exact resume, best weights, signals."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from sightkit import _run_files, _terminal
from sightkit._errors import SightkitError
from sightkit._network import build, build_metrics, require_compiled
from sightkit._scripts import as_given, warn
from sightkit.callbacks import (
    BestCheckpoint,
    History,
    StatefulCallback,
    StopOnDivergence,
    TrainingMonitor,
)
from sightkit.io.arguments import whole_number
from sightkit.training.callback_list import SetEpoch, TrainingCallbacks
from sightkit.training.checks.preflight import preflight as check_before
from sightkit.training.checks.report import FAILED
from sightkit.training.data_adapter import adapt
from sightkit.training.distribute import group as processes
from sightkit.training.execution_plan import plan_execution
from sightkit.training.interruption import SaveState
from sightkit.training.notebook import as_batches, open_run, record_data
from sightkit.training.precision_hint import precision_hint
from sightkit.training.prolonged import report_prolonged
from sightkit.training.restore import restoring_variables
from sightkit.training.resumed_callbacks import resumable
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


def fit(
    model: keras.Model,
    train: Any,
    validation: Any,
    *,
    run: Run | str | os.PathLike[str],
    epochs: int,
    batch_size: int | None = None,
    seed: int | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    phase: str = "",
    after: Sequence[Mapping[str, float]] = (),
    guard: bool = True,
    preflight: bool = True,
    overwrite: bool = False,
) -> History:
    """Train a compiled network, and leave it with the weights of its best epoch.

    After each epoch history, curves, best weights (lowest validation loss) and a checkpoint of
    the whole state are written to the run folder; a long epoch is saved every ten minutes. If the
    run is resumed, the newest checkpoint is restored first, and training goes on with the next
    batch; the end is bit-equal to a run that was never stopped (CPU, same versions and threads).
    SIGINT and SIGTERM finish the batch, save and raise; a second one stops at once.

    Before its first epoch a run is checked (``preflight``), and how its steps are executed is
    chosen and stored (``plan_execution``; by time only if the training is long).

    A training of several phases, between which the network is compiled anew (to unfreeze layers,
    say), is one ``fit`` a phase, each with a name and the rows of those before it. Epochs are
    counted on, and with them order and augmentation; each phase has checkpoints of its own, and a
    resumed run passes over those that have ended. A phase begins with the best weights of the one
    before it, which stay the best until an epoch of its own has a lower validation loss.

    Args:
        model: compiled network.
        train: arrays (images, labels), or (images, labels, weights), as the network takes them,
            mixed anew each epoch; of a regression the labels are numbers. Or
            ``io.HDF5DatasetGenerator`` of the training split, or a ``PyDataset`` that has its
            ``batch_size``, ``rows`` and ``set_epoch``.
        validation: the same of the validation split, unshuffled.
        run: a ``Run``; or the path of a folder, whose run is resumed if it is one of the same
            network, optimizer and data: the same call twice trains once.
        epochs: number of passes in all (of the phase), those before a resume counted; a finished
            run goes on where they are more than it had.
        batch_size: of arrays; 32.
        seed: of the order of arrays; 0.
        callbacks: further callbacks: ``callbacks.StatefulCallback``, whose state is saved with
            the weights, Keras' EarlyStopping and ReduceLROnPlateau, whose state is saved too, or
            those of Keras that have none (LambdaCallback, LearningRateScheduler, TensorBoard,
            TerminateOnNaN).
        phase: name of the phase, letters, digits, ``-`` and ``_``; empty where there is but one.
        after: what ``fit`` returned of the phase before.
        guard: stop a training that does not come back (``StopOnDivergence``), unless ``--guard
            off`` was given; without it NaN is trained on too.
        preflight: make the checks before the first epoch, unless ``--preflight off`` was given.
        overwrite: delete the run in the folder and begin anew; for a path.

    Returns:
        A list, which a notebook shows as curves, of one dict an epoch: ``epoch``, ``loss``,
        ``val_loss``, …, ``learning_rate``; with phases also ``phase``, its number from 1, and the
        rows of earlier phases first.

    Raises:
        SightkitError: a check before the first epoch failed (``--preflight off`` leaves them out);
            data or a callback that a resume would start anew, a disk that is too small, a phase
            that has no name, or a folder that holds another run.
        Diverged: the loss became NaN or infinite, or does not come back (``StopOnDivergence``).
        Interrupted: a signal came; everything up to its batch is saved.

    Example:
        >>> rows = training.fit(network, (x, y), (xv, yv), run="runs/mine", epochs=5)
        ... # doctest: +SKIP
    """
    _require_name(phase, after)
    require_compiled(model)
    if overwrite and isinstance(run, Run):
        raise SightkitError("overwrite is for a path; a Run has its own.", "Leave it out.")
    if phase and not isinstance(run, Run):
        raise SightkitError(
            "The phases of a training share one Run.",
            "Open it: with training.Run.open(config, experiment=…) as run.",
            run=run,
        )
    epochs = whole_number("epochs", epochs, at_least=1)
    callbacks = resumable(callbacks)
    train = as_batches(train, "training", batch_size=batch_size, shuffle=True, seed=seed)
    validation = as_batches(
        validation, "validation", batch_size=batch_size, shuffle=False, seed=None
    )
    build(model, train[0][0])
    if not isinstance(guard, bool):
        raise SightkitError("guard must be True or False.", guard=guard)
    guard = guard and getattr(run, "guard", True)
    checks = getattr(run, "preflight", "on") if preflight else "off"
    opening: Any = contextlib.nullcontext(run)
    if not isinstance(run, Run):
        opening = open_run(run, model, train, overwrite=overwrite)
    with opening as opened:
        record_data(opened, train, validation, always=opened is not run)
        return _fit(
            model, train, validation, opened, epochs, callbacks, phase, after, guard, checks
        )


def _fit(
    model: keras.Model,
    train: Any,
    validation: Any,
    run: Run,
    epochs: int,
    callbacks: Sequence[keras.callbacks.Callback],
    phase: str,
    after: Sequence[Mapping[str, float]],
    guard: bool,
    checks: str,
) -> History:
    group = processes()
    require_agreement(group, model, train, epochs=epochs, phase=phase)
    share_run(group, run, phase)
    folder = run.checkpoints(phase)
    best = BestCheckpoint(folder / _run_files.BEST_WEIGHTS, keep=run.checkpoint_style)
    monitor = TrainingMonitor(run.folder, phase=_number_of(phase, after), before=after)
    stateful = [c for c in callbacks if isinstance(c, StatefulCallback)]
    divergence = StopOnDivergence(train, best=best)
    start = Position(len(after))
    epochs += start.epoch
    stateful = [best, monitor, divergence, *stateful]
    state = TrainingState(model, stateful, folder, start, f"{run.id} {phase}", group)
    state.require_space()
    if run.resumed:
        state.restore_latest()
    if not state.of_as_many:
        warn(
            f"As the run is now one of {group.size} processes, its end will not be bit-equal to "
            "that of a run that was never stopped."
        )
    if state.position == start or not state.of_as_many:
        spread_seeds(group, model)
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
        batches = len(train)
        train, validation = share_data(group, train, validation)
        weight = getattr(train, "weight", lambda batch: 1.0)
        saving = SaveState(state, run.how_to_resume, run.start, group, weight)
        together = BringTogether(group, batches, validation)
        watching = [together, *[divergence] * guard, *callbacks, best, monitor, saving]
        listed = TrainingCallbacks(
            [SetEpoch(train, state), *watching],
            add_history=True,
            add_progbar=True,
            model=model,
            epochs=epochs,
            batches=batches,
            verbose=1 if sys.stdout.isatty() else 2,
        )
        with saving, contextlib.closing(monitor), _terminal.drawing(), group.averaging(model):
            listed.begin()
            _train(model, train, validation, epochs, state, listed)
            listed.end()
            saving.stop()  # a signal may have come after the last epoch's end
    run.start()
    best.set_model(model)
    # The file of the best epoch holds its optimizer too, whose average of weights ends there.
    averaging = hasattr(model.optimizer, "averages")
    with restoring_variables(model.optimizer.variables if averaging else ()):
        best.restore()
    if phase and best.best_epoch is not None:
        print(f"The best so far is epoch {best.best_epoch + 1}; phase {phase} ends with it.")
    return History(monitor.rows)


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


def _require_name(phase: str, after: Sequence[Mapping[str, float]]) -> None:
    if not re.fullmatch(r"[A-Za-z0-9_-]*", phase) or (after and not phase):
        raise SightkitError(
            "Each phase of a training has a name of letters, digits, - and _.",
            'Give phase="head" and phase="body", for example.',
            phase=phase,
        )


def _number_of(phase: str, after: Sequence[Mapping[str, float]]) -> int:
    """Return the phase's number, from 1; 0 for a training without phases."""
    return int(after[-1].get("phase", 1)) + 1 if after else int(bool(phase))
