"""Search for the values of an experiment's ``Config``: random, coarse then fine, with pruning.

The journal, a file, is all that the processes of a search share: start the same command several
times, on machines that share the folder, or again after a kill.
"""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightkit import _files
from sightkit._errors import SightkitError
from sightkit.training.run_config import require_same_settings
from sightkit.training.search.plan import SearchPlan, import_optuna
from sightkit.training.search.space import (
    Choice,
    Interval,
    Space,
    draw,
    narrowed,
    space_from_json,
    space_to_json,
)
from sightkit.training.search.trial import prepare_folds, train_fold

JOURNAL = "journal.log"
STAGES = ("coarse", "fine")
POLL_SECONDS = 1.0
FAILURES_IN_A_ROW = 3


class Search:
    """One process's part in a search.

    What a trial tries is a function of the plan's seed and the trial's number, so it does not
    matter which process draws it. A trial of a process that died is resumed where it stopped.
    Choices see validation images alone: see ``write_folds``.

    Args:
        plan: the same in every process.

    Raises:
        SightkitError: no optuna, or a folder that holds another search.
    """

    def __init__(self, plan: SearchPlan) -> None:
        self.optuna = import_optuna()
        self.plan = plan
        _files.require_writable(plan.output)
        plan.output.mkdir(parents=True, exist_ok=True)
        journal = self.optuna.storages.journal.JournalFileBackend(str(plan.output / JOURNAL))
        self.storage = self.optuna.storages.JournalStorage(journal)
        self._failures = 0
        with self._claiming():
            self._require_same_search()
            self.data = prepare_folds(plan)

    def run(self, report: Callable[[str], None] = print) -> None:
        """Conduct trials until all have begun.

        Args:
            report: receives a line for each trial.

        Raises:
            SightkitError: the last three trials all failed, or no coarse one is complete.
            Interrupted: a signal came; the trial is saved, and the same command continues it.
        """
        while (claim := self._claim()) is not None:
            with contextlib.closing(claim):
                report(self._conduct(claim))

    def study(self, stage: str) -> Any:
        """Return the study of a stage, made where it is missing."""
        pruner = self.optuna.pruners.MedianPruner(n_startup_trials=4)
        return self.optuna.create_study(
            storage=self.storage,
            study_name=stage,
            direction="maximize" if self.plan.objective == "rank1" else "minimize",
            sampler=self.optuna.samplers.RandomSampler(self.plan.seed),
            pruner=pruner if self.plan.prune else self.optuna.pruners.NopPruner(),
            load_if_exists=True,
        )

    def _require_same_search(self) -> None:
        study = self.study("coarse")
        wanted, found = self.plan.settings(), study.user_attrs.get("settings")
        if found is None:
            study.set_user_attr("settings", wanted)
            return
        require_same_settings(
            found,
            wanted,
            self.plan.output,
            "The folder holds another search",
            "Give its flags to continue it, or another --output.",
        )

    @contextlib.contextmanager
    def _claiming(self) -> Iterator[None]:
        """Let one process at a time choose its next trial; the others wait."""
        lock = _files.FileLock(self.plan.output / ".claim.lock", "the choice of the next trial")
        while not _acquired(lock):
            time.sleep(POLL_SECONDS / 10)
        try:
            yield
        finally:
            lock.release()

    def _claim(self) -> _Claim | None:
        """Return the next trial for this process; wait for coarse trials of other processes."""
        while True:
            with self._claiming():
                for stage in STAGES:
                    study = self.study(stage)
                    trials = study.get_trials(deepcopy=False)
                    claim = self._take_over(study, stage, trials)
                    if claim is None and len(trials) < self.plan.wanted(stage):
                        claim = self._begin(study, stage, len(trials))
                    if claim is not None:
                        return claim
                    if any(not trial.state.is_finished() for trial in trials):
                        break
                else:
                    return None
                if stage == STAGES[-1]:
                    return None  # other processes finish the last trials
            time.sleep(POLL_SECONDS)

    def _take_over(self, study: Any, stage: str, trials: list[Any]) -> _Claim | None:
        """Lock a trial that has begun and that no process conducts."""
        for trial in trials:
            if trial.state == self.optuna.trial.TrialState.RUNNING:
                folder = self.plan.output / "trials" / f"{stage}-{trial.number:04d}"
                folder.mkdir(parents=True, exist_ok=True)
                lock = _files.FileLock(folder / ".search.lock", f"the trial {folder.name}")
                if _acquired(lock):
                    running = self.optuna.trial.Trial(study, trial._trial_id)
                    return _Claim(stage, folder, running, lock)
        return None

    def _begin(self, study: Any, stage: str, number: int) -> _Claim | None:
        """Add a trial with its values in one entry of the journal: a kill leaves no half of it."""
        space = self._space(study, stage)
        study.add_trial(
            self.optuna.trial.create_trial(
                state=self.optuna.trial.TrialState.RUNNING,
                params=draw(space, self.plan.seed, STAGES.index(stage), number),
                distributions={name: self._distribution(kind) for name, kind in space.items()},
            )
        )
        return self._take_over(study, stage, study.get_trials(deepcopy=False)[number:])

    def _space(self, study: Any, stage: str) -> Space:
        if stage == "coarse" or not self.plan.wanted("coarse"):
            return self.plan.space
        if "space" not in study.user_attrs:
            best = self._best_coarse()
            study.set_user_attr("space", space_to_json(narrowed(self.plan.space, best)))
        return space_from_json(study.user_attrs["space"])

    def _best_coarse(self) -> list[dict[str, Any]]:
        """Return the values of the best quarter of the coarse trials, two at least."""
        done = [
            trial
            for trial in self.study("coarse").get_trials(deepcopy=False)
            if trial.state == self.optuna.trial.TrialState.COMPLETE
        ]
        if not done:
            raise SightkitError(
                "The fine trials need a coarse one that is complete.",
                "Read trials.csv for the reasons; begin anew with another --output and --space.",
                output=str(self.plan.output),
            )
        done.sort(key=lambda trial: trial.value, reverse=self.plan.objective == "rank1")
        return [trial.params for trial in done[: max(2, len(done) // 4)]]

    def _distribution(self, dimension: Interval | Choice) -> Any:
        kinds = self.optuna.distributions
        if isinstance(dimension, Choice):
            return kinds.CategoricalDistribution(dimension.values)
        if dimension.whole:
            return kinds.IntDistribution(int(dimension.low), int(dimension.high), log=dimension.log)
        return kinds.FloatDistribution(dimension.low, dimension.high, log=dimension.log)

    def _conduct(self, claim: _Claim) -> str:
        """Train a trial's network on every fold; return a line about the result."""
        study, trial, states = self.study(claim.stage), claim.trial, self.optuna.trial.TrialState
        epochs = self.plan.coarse_epochs if claim.stage == "coarse" else self.plan.config.epochs
        start = time.monotonic()
        values: list[float] = []
        try:
            for fold, data in enumerate(self.data, start=1):
                values.append(train_fold(self.plan, trial, claim.folder, fold, data, epochs))
        except self.optuna.TrialPruned as pruned:
            outcome, state = f"ended early ({pruned})", states.PRUNED
        except SightkitError as error:
            outcome, state = f"failed ({error})", states.FAIL
            self._failures += 1
            trial.set_user_attr("reason", str(error))
            if self._failures == FAILURES_IN_A_ROW:
                study.tell(trial, state=state)
                raise
        else:
            outcome, state = (
                f"{self.plan.objective} {statistics.fmean(values):.4f}",
                states.COMPLETE,
            )
            self._failures = 0
        trial.set_user_attr("folds", values)
        trial.set_user_attr("seconds", round(time.monotonic() - start, 1))
        value = statistics.fmean(values) if state == states.COMPLETE else None
        study.tell(trial, value, state)
        tried = ", ".join(f"{name} {_shown(value)}" for name, value in trial.params.items())
        return f"{claim.stage} {trial.number}: {tried}: {outcome}"


@dataclass(frozen=True)
class _Claim:
    """A trial, and the lock by which it is this process's."""

    stage: str
    folder: Path
    trial: Any
    lock: _files.FileLock

    def close(self) -> None:
        """Release the lock."""
        self.lock.release()


def _acquired(lock: _files.FileLock) -> bool:
    try:
        lock.acquire()
    except SightkitError:
        return False
    return True


def _shown(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
