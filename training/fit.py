"""Keras' ``fit`` with a run folder under it: exact resume, best weights, signals."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from sightkit._errors import SightkitError
from sightkit._network import build, require_compiled
from sightkit.callbacks import History
from sightkit.io.arguments import whole_number
from sightkit.training.notebook import as_batches, open_run, record_data
from sightkit.training.phase import train_phase
from sightkit.training.resumed_callbacks import resumable
from sightkit.training.run import Run


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

    After each epoch history, curves, best weights (lowest validation loss of the epochs whose
    validation accuracy is within its standard error of the highest) and a checkpoint of the whole
    state are written to the run folder; a long epoch is saved every ten minutes. If the run is
    resumed, the newest checkpoint is restored first, and training goes on with the next batch; the
    end is bit-equal to a run that was never stopped (CPU, same versions and threads). SIGINT and
    SIGTERM finish the batch, save and raise; a second one stops at once.

    Before its first epoch a run is checked (``preflight``), and how its steps are executed is
    chosen and stored (``plan_execution``; by time only if the training is long).

    A training of several phases, between which the network is compiled anew (to unfreeze layers,
    say), is one ``fit`` a phase, each with a name and the rows of those before it. Epochs are
    counted on, and with them order and augmentation; each phase has checkpoints of its own, and a
    resumed run passes over those that have ended. A phase begins with the best weights of the one
    before it, which stay the best until an epoch of its own is better.

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
        ``val_loss``, …, ``learning_rate``, ``best_epoch``; with phases also ``phase``,
        its number from 1, and the rows of earlier phases first.

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
        return train_phase(
            model, train, validation, opened, epochs, callbacks,
            phase=phase, after=after, guard=guard, checks=checks,
        )  # fmt: skip


def _require_name(phase: str, after: Sequence[Mapping[str, float]]) -> None:
    if not re.fullmatch(r"[A-Za-z0-9_-]*", phase) or (after and not phase):
        raise SightkitError(
            "Each phase of a training has a name of letters, digits, - and _.",
            'Give phase="head" and phase="body", for example.',
            phase=phase,
        )
