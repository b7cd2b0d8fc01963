"""One network of a search: trained on one fold, reported to the study after each epoch."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
from keras.callbacks import LambdaCallback

from sightkit._errors import SightkitError
from sightkit.training.search.data import write_folds
from sightkit.training.search.plan import MONITORED, SearchPlan, import_optuna


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
    config = dataclasses.replace(
        plan.config,
        **trial.params,
        epochs=epochs,
        data=data,
        output=folder / f"fold-{fold}",
        resume=True,
        overwrite=False,
        preflight=False,  # the same for every trial
    )
    monitored = MONITORED[plan.objective]

    def report(epoch: int, logs: dict[str, Any] | None = None) -> None:
        report_epoch(trial if fold == 1 else None, monitored, epoch, logs or {})

    keras.backend.clear_session()  # so that layers are named as in a process of its own
    with quiet(folder / "log.txt"):
        metrics = plan.main(config, callbacks=[LambdaCallback(on_epoch_end=report)])
    value = metrics["validation"][plan.objective]
    if not math.isfinite(value):
        raise import_optuna().TrialPruned("it diverged")
    return value


def prepare_folds(plan: SearchPlan) -> list[Path]:
    """Return the dataset files of all folds; the script builds its dataset where it is missing."""
    ensure_data(plan.main, plan.config, plan.output)
    return write_folds(plan.config.data, plan.output / "data", plan.folds, seed=plan.seed)


def ensure_data(main: Callable[..., Any], config: Any, folder: Path) -> None:
    """Let a script build its dataset file where it is missing, and stop before it trains.

    Args:
        main: the script's.
        config: the script's; ``data`` names the file.
        folder: for what the script prints and begins.
    """
    if config.data.exists():
        return
    only_data = dataclasses.replace(
        config, output=folder / "preparation", resume=False, overwrite=True, preflight=False
    )
    with contextlib.suppress(DatasetBuilt), quiet(folder / "preparation.log"):
        main(only_data, callbacks=[LambdaCallback(on_train_begin=_stop_before_training)])


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
        raise import_optuna().TrialPruned(f"it diverged in epoch {epoch + 1}")
    if trial is None:
        return
    stored = trial.study.get_trials(deepcopy=False)[trial.number].intermediate_values
    if epoch not in stored:  # else by a process that died before it saved the epoch
        trial.report(float(value), epoch)
    if trial.should_prune():
        raise import_optuna().TrialPruned(f"behind the median after epoch {epoch + 1}")


class DatasetBuilt(Exception):
    """A script has built its dataset and would begin to train."""


def _stop_before_training(logs: dict[str, Any] | None = None) -> None:
    raise DatasetBuilt


@contextlib.contextmanager
def quiet(path: Path) -> Iterator[None]:
    """Redirect to a file what a script prints."""
    with open(path, "a", encoding="utf-8") as file, contextlib.redirect_stdout(file):
        yield
