"""Search for the values of an experiment's ``Config``: random, coarse then fine, with pruning.

The journal, a file, is all that the processes of a search share: start the same command several
times, on machines that share the folder, or again after a kill.
"""

from __future__ import annotations

import shutil
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from sightkit import _files, _locks
from sightkit._errors import SightkitError
from sightkit.training.run_config import take_folder
from sightkit.training.run_folder import drop_checkpoints
from sightkit.training.search.data import ensure_data, write_folds
from sightkit.training.search.plan import SearchPlan
from sightkit.training.search.space import Space, defaults, draw, narrowed, unread
from sightkit.training.search.trial import train_fold

FORMAT = "sightkit-search"
SETTINGS, JOURNAL, DATA = "settings.json", "journal.log", "data"
STAGES = ("coarse", "fine")
POLL_SECONDS = 1.0
FAILURES_IN_A_ROW = 3

Claim = tuple[optuna.Trial, _locks.FileLock]
"""A trial, and the lock in its folder by which it is this process's."""


class Search:
    """One process's part in a search.

    The first trial tries the values of the plan's config. What another one tries is a function of
    the plan's seed and the trial's number, so it does not matter which process draws it. A trial of
    a process that died is resumed where it stopped. Choices see validation images alone: see
    ``write_folds``. Of a trial that has ended the log stays, and of the best fine one its first
    network; of a search that is over the data go too.

    Args:
        plan: the same in every process.

    Raises:
        SightkitError: a folder that holds another search.
    """

    def __init__(self, plan: SearchPlan) -> None:
        self.plan = plan
        take_folder(
            plan.output,
            SETTINGS,
            FORMAT,
            plan.settings(),
            "The folder holds another search",
            "Give its flags to continue it, or another --output.",
        )
        _files.open_to_append(plan.output / JOURNAL).close()  # no link: Optuna would follow it
        journal = JournalFileBackend(str(plan.output / JOURNAL))
        self.storage = optuna.storages.JournalStorage(journal)
        self._failures = 0
        with self._claiming():
            self.data = [] if self._is_over() else self._write_data()

    def run(self, report: Callable[[str], None] = print) -> None:
        """Conduct trials until all have begun.

        Args:
            report: receives a line for each trial.

        Raises:
            SightkitError: the last three trials all failed, or no coarse one is complete.
            Interrupted: a signal came; the trial is saved, and the same command continues it.
        """
        while (claim := self._claim()) is not None:
            trial, lock = claim
            try:
                report(self._conduct(trial, lock.path.parent))
            finally:
                lock.release()
            self._tidy()
        with self._claiming():
            if self._is_over():
                _files.remove(self.plan.output / DATA)

    def study(self, stage: str) -> Any:
        """Return the study of a stage, made where it is missing."""
        pruner = optuna.pruners.MedianPruner(n_startup_trials=4)
        return optuna.create_study(
            storage=self.storage,
            study_name=stage,
            direction="maximize" if self.plan.objective == "rank1" else "minimize",
            sampler=optuna.samplers.RandomSampler(self.plan.seed),
            pruner=pruner if self.plan.prune else optuna.pruners.NopPruner(),
            load_if_exists=True,
        )

    def _write_data(self) -> list[Path]:
        plan = self.plan
        ensure_data(plan.main, plan.config, plan.output)
        return write_folds(
            plan.config.data,
            plan.output / DATA,
            plan.folds,
            seed=plan.seed,
            validation=plan.config.validation_split,
        )

    def _is_over(self) -> bool:
        """Return whether all trials have ended."""
        trials = {stage: self.study(stage).get_trials(deepcopy=False) for stage in STAGES}
        return all(
            len(found) >= self.plan.wanted(stage) and all(t.state.is_finished() for t in found)
            for stage, found in trials.items()
        )

    def _tidy(self) -> None:
        """Delete the runs of trials that have ended, but that of the best fine one's first fold."""
        states = (TrialState.COMPLETE,)
        fine = self.study("fine")
        best = fine.best_trial.number if fine.get_trials(deepcopy=False, states=states) else None
        for stage in STAGES:
            for trial in self.study(stage).get_trials(deepcopy=False):
                if not trial.state.is_finished():
                    continue
                for run in self._folder(stage, trial.number).glob("fold-*"):
                    if (stage, trial.number, run.name) == ("fine", best, "fold-1"):
                        drop_checkpoints(run)
                    else:
                        shutil.rmtree(run, ignore_errors=True)  # another process may be at it

    def _folder(self, stage: str, number: int) -> Path:
        return self.plan.output / "trials" / f"{stage}-{number:04d}"

    def _claiming(self) -> _locks.FileLock:
        """Let one process at a time choose its next trial; the others wait."""
        path = self.plan.output / ".claim.lock"
        return _locks.FileLock(path, "the choice of the next trial", wait=True)

    def _claim(self) -> Claim | None:
        """Return the next trial for this process; wait for coarse trials of other processes."""
        while True:
            with self._claiming():
                for stage in STAGES:
                    study = self.study(stage)
                    trials = study.get_trials(deepcopy=False)
                    claim = self._take_over(study, trials)
                    if claim is None and len(trials) < self.plan.wanted(stage):
                        claim = self._begin(study, len(trials))
                    if claim is not None:
                        return claim
                    if any(not trial.state.is_finished() for trial in trials):
                        break
                else:
                    return None
                if stage == STAGES[-1]:
                    return None  # other processes finish the last trials
            time.sleep(POLL_SECONDS)

    def _take_over(self, study: Any, trials: list[Any]) -> Claim | None:
        """Lock a trial that has begun and that no process conducts."""
        for trial in trials:
            if trial.state == TrialState.RUNNING:
                folder = self._folder(study.study_name, trial.number)
                folder.mkdir(parents=True, exist_ok=True)
                lock = _locks.FileLock(folder / ".search.lock", f"the trial {folder.name}")
                try:
                    lock.acquire()
                except SightkitError:
                    continue
                return optuna.Trial(study, trial._trial_id), lock
        return None

    def _begin(self, study: Any, number: int) -> Claim | None:
        """Add a trial with its values in one entry of the journal: a kill leaves no half of it."""
        stage = study.study_name
        space = self._space(stage)
        values = draw(space, self.plan.seed, STAGES.index(stage), number)
        if number == 0 and (stage == "coarse" or not self.plan.wanted("coarse")):
            values |= defaults(space, self.plan.config)
        skipped = unread(self.plan.config, values)
        values = {name: value for name, value in values.items() if name not in skipped}
        study.add_trial(
            optuna.trial.create_trial(
                state=TrialState.RUNNING,
                params=values,
                distributions={name: space[name] for name in values},
            )
        )
        return self._take_over(study, study.get_trials(deepcopy=False)[number:])

    def _space(self, stage: str) -> Space:
        """Return the plan's; after coarse trials what is around the best quarter, two at least."""
        if stage == "coarse" or not self.plan.wanted("coarse"):
            return self.plan.space
        done = self.study("coarse").get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if not done:
            raise SightkitError(
                "The fine trials need a coarse one that is complete.",
                "Read trials.csv for the reasons; begin anew with another --output and --space.",
                output=str(self.plan.output),
            )
        done.sort(key=lambda trial: trial.value, reverse=self.plan.objective == "rank1")
        best = done[: max(2, len(done) // 4)]
        return narrowed(self.plan.space, [trial.params for trial in best])

    def _conduct(self, trial: optuna.Trial, folder: Path) -> str:
        """Train a trial's network on every fold; return a line about the result."""
        stage = trial.study.study_name
        epochs = self.plan.coarse_epochs if stage == "coarse" else self.plan.config.epochs
        start = time.monotonic()
        values: list[float] = []
        value, state = None, TrialState.COMPLETE
        try:
            for fold, data in enumerate(self.data, start=1):
                values.append(train_fold(self.plan, trial, folder, fold, data, epochs))
            value = statistics.fmean(values)
            outcome = f"{self.plan.objective} {value:.4f}"
            self._failures = 0
        except optuna.TrialPruned as pruned:
            outcome, state = f"ended early ({pruned})", TrialState.PRUNED
        except SightkitError as error:
            outcome, state = f"failed ({error})", TrialState.FAIL
            self._failures += 1
            trial.set_user_attr("reason", str(error))
            if self._failures == FAILURES_IN_A_ROW:
                trial.study.tell(trial, state=state)
                raise
        trial.set_user_attr("folds", values)
        trial.set_user_attr("seconds", round(time.monotonic() - start, 1))
        trial.study.tell(trial, value, state)
        params = ", ".join(f"{name} {_shown(tried)}" for name, tried in trial.params.items())
        return f"{stage} {trial.number}: {params}: {outcome}"


def _shown(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
