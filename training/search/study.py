"""Search for the values of an experiment's ``Config``: random, coarse then fine, with pruning.

The journal, a file, is all that the processes of a search share: start the same command several
times, on machines that share the folder, or again after a kill.
"""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sightkit import _files
from sightkit._errors import SightkitError
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
    matter which process asks. A trial of a process that died is taken over where it stopped.
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
        """Conduct trials until none is left to begin.

        Args:
            report: receives a line for each trial.

        Raises:
            SightkitError: the last three trials all failed, or no coarse one came to its end.
            Interrupted: a signal came; the trial is saved, and the same command continues it.
        """
        while (claim := self._claim()) is not None:
            with contextlib.closing(claim):
                report(self._conduct(claim))

    def study(self, stage: str) -> Any:
        """The study of a stage, made where it is missing."""
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
        different = [
            f"{name}: {found.get(name)!r} there, {wanted[name]!r} requested"
            for name in wanted
            if found.get(name) != wanted[name]
        ]
        if different:
            raise SightkitError(
                f"The folder holds another search ({'; '.join(different)}).",
                "Give its flags to continue it, or another --output.",
                output=str(self.plan.output),
            )

    @contextlib.contextmanager
    def _claiming(self) -> Iterator[None]:
        """One process at a time decides what it does next; the others wait."""
        lock = _files.FileLock(self.plan.output / ".claim.lock", "the choice of the next trial")
        while not _acquired(lock):
            time.sleep(POLL_SECONDS / 10)
        try:
            yield
        finally:
            lock.release()

    def _claim(self) -> _Claim | None:
        """The next trial for this process; waits for coarse trials that others still conduct."""
        while True:
            with self._claiming():
                for stage in STAGES:
                    study = self.study(stage)
                    trials = study.get_trials(deepcopy=False)
                    claim = self._abandoned(study, stage, trials)
                    if claim is None and self._unbegun(trials) + self.plan.wanted(stage) > len(
                        trials
                    ):
                        claim = self._begun(study, stage, len(trials), self._unbegun(trials))
                    if claim is not None:
                        return claim
                    if any(not trial.state.is_finished() for trial in trials):
                        break
                else:
                    return None
                if stage == STAGES[-1]:
                    return None  # others bring the last trials to their end
            time.sleep(POLL_SECONDS)

    def _unbegun(self, trials: list[Any]) -> int:
        """Trials that a process put down and then died before it began them."""
        return sum(trial.state == self.optuna.trial.TrialState.WAITING for trial in trials)

    def _abandoned(self, study: Any, stage: str, trials: list[Any]) -> _Claim | None:
        for trial in trials:
            if trial.state == self.optuna.trial.TrialState.RUNNING:
                claim = self._lock(stage, trial.number)
                if claim is not None:
                    claim.trial = self.optuna.trial.Trial(study, trial._trial_id)
                    return claim
        return None

    def _begun(self, study: Any, stage: str, count: int, waiting: int) -> _Claim:
        space = self._space(study, stage)
        if not waiting:
            study.enqueue_trial(draw(space, self.plan.seed, STAGES.index(stage), count))
        kinds = {name: self._distribution(dimension) for name, dimension in space.items()}
        trial = study.ask(kinds)
        claim = self._lock(stage, trial.number)
        if claim is None:
            raise RuntimeError(f"Trial {trial.number} is new, and locked.")
        claim.trial = trial
        return claim

    def _lock(self, stage: str, number: int) -> _Claim | None:
        folder = self.plan.output / "trials" / f"{stage}-{number:04d}"
        folder.mkdir(parents=True, exist_ok=True)
        lock = _files.FileLock(folder / ".search.lock", f"the trial {folder.name}")
        return _Claim(stage, folder, lock) if _acquired(lock) else None

    def _space(self, study: Any, stage: str) -> Space:
        if stage == "coarse" or not self.plan.wanted("coarse"):
            return self.plan.space
        if "space" not in study.user_attrs:
            best = self._best_coarse()
            study.set_user_attr("space", space_to_json(narrowed(self.plan.space, best)))
        return space_from_json(study.user_attrs["space"])

    def _best_coarse(self) -> list[dict[str, Any]]:
        """Values of the best quarter of the coarse trials, two at least."""
        done = [
            trial
            for trial in self.study("coarse").get_trials(deepcopy=False)
            if trial.state == self.optuna.trial.TrialState.COMPLETE
        ]
        if not done:
            raise SightkitError(
                "No coarse trial came to its end, so there is nothing to search around.",
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
        """Train a trial's network on every fold; the line that says what came of it."""
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


class _Claim:
    """A trial, and the lock that says whose it is."""

    def __init__(self, stage: str, folder: Path, lock: _files.FileLock) -> None:
        self.stage = stage
        self.folder = folder
        self.trial: Any = None
        self._lock = lock

    def close(self) -> None:
        """Let others have it."""
        self._lock.release()


def _acquired(lock: _files.FileLock) -> bool:
    try:
        lock.acquire()
    except SightkitError:
        return False
    return True


def _shown(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
