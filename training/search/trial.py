"""One network of a search: trained on one fold, reported to the study after each epoch."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import keras

from sightkit._errors import SightkitError
from sightkit.callbacks import StatefulCallback
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
        preflight=False,  # it would say the same of every trial
    )
    reporter = Reporter(trial, MONITORED[plan.objective], reports=fold == 1)
    keras.backend.clear_session()  # so that layers are named as in a process of its own
    with quiet(folder / "log.txt"):
        metrics = plan.main(config, callbacks=[reporter])
    value = metrics["validation"][plan.objective]
    if not math.isfinite(value):
        raise import_optuna().TrialPruned("it diverged")
    return value


def prepare_folds(plan: SearchPlan) -> list[Path]:
    """The dataset files of all folds; the script builds its dataset first where it is missing."""
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
    with contextlib.suppress(DataIsThere), quiet(folder / "preparation.log"):
        main(only_data, callbacks=[StopBeforeTraining()])


class Reporter(StatefulCallback):
    """Reports a trial to the study after each epoch, and ends one that is far behind."""

    def __init__(self, trial: Any, monitored: str, *, reports: bool) -> None:
        super().__init__()
        self.trial = trial
        self.monitored = monitored
        self.reports = reports

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Report, and raise if the trial shall end."""
        value = (logs or {}).get(self.monitored)
        if value is None:
            raise SightkitError(
                f"The epochs' logs must hold {self.monitored}.",
                'Compile the network with metrics=["accuracy"], or give --objective loss.',
                logs=sorted(logs or {}),
            )
        if not math.isfinite(value):
            raise import_optuna().TrialPruned(f"it diverged in epoch {epoch + 1}")
        if not self.reports:
            return
        if epoch not in self._reported():  # by a process that died before it saved the epoch
            self.trial.report(float(value), epoch)
        if self.trial.should_prune():
            raise import_optuna().TrialPruned(f"behind the median after epoch {epoch + 1}")

    def _reported(self) -> Mapping[int, float]:
        trials = self.trial.study.get_trials(deepcopy=False)
        return trials[self.trial.number].intermediate_values

    def get_state(self) -> dict[str, Any]:
        """Nothing: the journal remembers."""
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        """Nothing."""


class DataIsThere(Exception):
    """A script has built its dataset and would begin to train."""


class StopBeforeTraining(StatefulCallback):
    """Ends a script when its data is there."""

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Raise."""
        raise DataIsThere

    def get_state(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        """Nothing."""


@contextlib.contextmanager
def quiet(path: Path) -> Iterator[None]:
    """What a script prints goes to a file."""
    with open(path, "a", encoding="utf-8") as file, contextlib.redirect_stdout(file):
        yield
