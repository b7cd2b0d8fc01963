"""One network of a search: trained on one fold, reported to the study after each epoch."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import optuna
from keras.callbacks import LambdaCallback

from sightkit._errors import SightkitError
from sightkit.training.search.data import quiet
from sightkit.training.search.plan import MONITORED, SearchPlan
from sightkit.training.search.space import with_values


def train_fold(
    plan: SearchPlan, trial: Any, folder: Path, fold: int, data: Path, epochs: int
) -> float:
    """Train the script's network with a trial's values; resume it where a process before has died.

    Args:
        plan: the search.
        trial: optuna's; it gets reports of the first fold's epochs.
        folder: of the trial.
        fold: from 1.
        data: dataset file of the fold.
        epochs: to train for.

    Returns:
        The objective on the fold's validation images.

    Raises:
        optuna.TrialPruned: it diverged, or is far behind the others.
        SightkitError: what the script raises.
    """
    config = with_values(
        plan.config,
        trial.params,
        epochs=epochs,
        data=data,
        output=folder / f"fold-{fold}",
        resume=True,
        overwrite=False,
        preflight="off",  # the same for every trial
    )
    reported = trial if fold == 1 else None
    report = functools.partial(report_epoch, reported, MONITORED[plan.objective])
    keras.backend.clear_session()  # so that layers are named as in a process of its own
    with quiet(folder / "log.txt"):
        metrics = plan.main(config, callbacks=[LambdaCallback(on_epoch_end=report)])
    value = metrics[plan.config.validation_split][plan.objective]
    if not math.isfinite(value):
        raise optuna.TrialPruned("it diverged")
    return value


def report_epoch(trial: Any, monitored: str, epoch: int, logs: Mapping[str, float]) -> None:
    """Report an epoch to the study, and end a trial that diverged or is far behind.

    Args:
        trial: optuna's; None where a fold is not reported.
        monitored: name of the value in the logs.
        epoch: from 0.
        logs: of the epoch.

    Raises:
        optuna.TrialPruned: it diverged, or is far behind the others.
        SightkitError: the value is not in the logs.
    """
    value = logs.get(monitored)
    if value is None:
        raise SightkitError(
            f"The epochs' logs must hold {monitored}.",
            'Compile the network with metrics=["accuracy"], or give --objective loss.',
            logs=sorted(logs),
        )
    if not math.isfinite(value):
        raise optuna.TrialPruned(f"it diverged in epoch {epoch + 1}")
    if trial is None:
        return
    stored = trial.study.get_trials(deepcopy=False)[trial.number].intermediate_values
    if epoch not in stored:  # else by a process that died before it saved the epoch
        trial.report(float(value), epoch)
    if trial.should_prune():
        raise optuna.TrialPruned(f"behind the median after epoch {epoch + 1}")
