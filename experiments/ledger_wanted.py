"""What the ledger of a checkout should hold: a list of experiments, and the runs that are missing.

``benchmarks/results/experiments.toml`` names the experiments, the most valuable first.
"""

from __future__ import annotations

import dataclasses
import re
import shlex
import statistics
import sys
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from typing_extensions import TypedDict

from sightkit import _schema, _scripts
from sightkit._errors import SightkitError
from sightkit._regular_file import read_regular_file
from sightkit._schema import Count, Name, Positive
from sightkit.experiments import ledger
from sightkit.experiments.scripts import parse_flags

GIVEN = {"seed", "output", "resume", "overwrite", "keep", "smoke"}
"""Flags that no recipe has: the ledger gives them, and a smoke run is no result."""
RUN = ("experiment", "recipe", "seed", "device", "status")
"""Columns that identify a run."""


@dataclass(frozen=True)
class Wanted:
    """Runs of one experiment with one recipe.

    Attributes:
        experiment: name of a script, or the path of another from the checkout.
        recipe: name of the recipe; further flags of the script may follow it.
        seeds: number of runs: seeds 1, 2, ….
        minutes: of a run, where it was measured before there are rows.
        here: False for what takes too long: one run is begun, the time of an epoch measured.
        images: training images of the whole data set, where only a part of it is available: the
            time of an epoch is extrapolated to them.
        divisions: whether each run also divides the images anew, by its seed.
        metric: what is compared; in % where ``percent``.
        reference: what others report, as the metric is (0–1), or None.
        source: of that figure.
        step: what it changes of the entry before it, where it is a step of the experiment's ladder
            (docs/ladder.md).
    """

    experiment: Name
    recipe: Name = "best"
    seeds: Count = 5
    minutes: Positive | None = None
    here: bool = True
    images: Count | None = None
    divisions: bool = False
    metric: Name = "rank1"
    percent: bool = True
    reference: float | None = None
    source: str = ""
    step: str = ""

    @property
    def only_a_step(self) -> bool:
        """Whether it is on the ladder alone: no recipe of its script's as it is."""
        return bool(self.step) and " " in self.recipe

    @property
    def series(self) -> tuple[str, str]:
        """Experiment and recipe, which rows that are averaged share."""
        return self.experiment, self.recipe

    @property
    def name(self) -> str:
        """The experiment as its runs name it."""
        return Path(self.experiment).stem


class _List(TypedDict):
    wanted: list[Wanted]


@dataclass(frozen=True)
class Checkout:
    """A folder with ``scripts/`` and ``benchmarks/results/``, and the folder of its runs.

    Attributes:
        root: the folder.
        output: of the runs of ``scripts/ledger.py``.
    """

    root: Path
    output: Path

    @property
    def results(self) -> Path:
        """The ledger."""
        return self.root / "benchmarks" / "results" / "experiments.csv"

    def rows(self) -> list[ledger.Row]:
        """Read the ledger.

        Raises:
            SightkitError: a damaged row, or two rows of one run.
        """
        rows = ledger.read(self.results)
        runs = [tuple(row[name] for name in RUN) for row in rows]
        if twice := {run for run in runs if runs.count(run) > 1}:
            raise SightkitError(
                f"{self.results.name} must have one row a run.",
                "Remove its older row.",
                twice=sorted(twice, key=str),
            )
        return rows

    def wanted(self, only: str = "") -> list[Wanted]:
        """Read the list of what is wanted, of one experiment alone where it is named.

        Raises:
            SightkitError: no such list, or a damaged one; an experiment that is not in it.
        """
        path = self.results.with_suffix(".toml")
        try:
            text = read_regular_file(path, ledger.MOST_BYTES).decode("utf-8")
            found: list[Wanted] = _schema.checked(tomllib.loads(text), _List)["wanted"]
            for wanted in found:
                shlex.split(wanted.recipe)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            rule = f"{path.name} must list the experiments that are wanted: {reason}."
            step = "Correct it; or name a checkout of the repository, --root FOLDER."
            raise SightkitError(rule, step, path=str(path)) from error
        known = {wanted.series for wanted in found}
        if len(known) < len(found):
            raise SightkitError(
                f"{path.name} must list each experiment and recipe once.", path=str(path)
            )
        if only and only not in {wanted.experiment for wanted in found}:
            names = ", ".join(dict.fromkeys(wanted.experiment for wanted in found))
            raise SightkitError(
                f"The experiment must be in {path.name}.", f"In it are {names}.", experiment=only
            )
        return [wanted for wanted in found if only in ("", wanted.experiment)]

    def path(self, experiment: str) -> Path:
        """Return the file of an experiment.

        Raises:
            SightkitError: no script has this name.
        """
        if experiment.endswith(".py"):
            return self.root / experiment
        scripts = self.root / "scripts"
        return _scripts.scripts(scripts)[_scripts.find(experiment, scripts)]

    def folder(self, wanted: Wanted, seed: int, prefix: str = "") -> Path:
        """Return the folder of a run."""
        recipe = re.sub(r"[^\w.]+", "-", wanted.recipe).strip("-")
        return self.output / wanted.name / recipe / f"{prefix}seed-{seed}"

    def command(self, wanted: Wanted, seed: int) -> Command:
        """Return what runs an experiment with one seed.

        Raises:
            SightkitError: no such script or recipe, or a flag that the script refuses.
        """
        path = self.path(wanted.experiment)
        script = _scripts.load(str(path) if path.is_file() else wanted.experiment)
        fields = {field.name for field in dataclasses.fields(script.Config)}
        recipe, *words = shlex.split(wanted.recipe)
        if own := sorted(
            {word[2:].partition("=")[0] for word in words if word[:2] == "--"} & GIVEN
        ):
            raise SightkitError(
                f"A recipe has no {' or '.join(f'--{name}' for name in own)}: the ledger has.",
                recipe=wanted.recipe,
            )
        if "recipe" in fields:
            words = ["--recipe", recipe, *words]
        elif recipe != "best":
            raise SightkitError(
                f"{wanted.name} has no recipes.", "Write best in its place.", recipe=wanted.recipe
            )
        words += ["--seed", str(seed)] if "seed" in fields else []
        words += ["--split-seed", str(seed)] if wanted.divisions else []
        return Command(wanted, path, script, tuple(words), frozenset(fields))

    def require_flags(self, wanted: Iterable[Wanted]) -> None:
        """Raise unless the flags of each entry are those of its script; nothing runs.

        Raises:
            SightkitError: with the first entry whose script refuses them, and why.
        """
        for each in dict.fromkeys(wanted):
            try:
                _ = self.command(each, 1).config
            except (SystemExit, SightkitError) as error:  # the first is tyro's, whose box is above
                reason = f" ({error})" if isinstance(error, SightkitError) else ""
                raise SightkitError(
                    f"The flags of a recipe must be those of its script{reason}.",
                    f"Correct the entry of {self.results.with_suffix('.toml').name}.",
                    experiment=each.experiment,
                    recipe=each.recipe,
                ) from error


@dataclass(frozen=True)
class Command:
    """A script with the flags of one run.

    Attributes:
        wanted: the experiment.
        path: of the script.
        script: its module.
        flags: without those of the place (``--output``, ``--resume``, ``--keep``).
        fields: names of the fields of the script's ``Config``.
    """

    wanted: Wanted
    path: Path
    script: ModuleType
    flags: tuple[str, ...]
    fields: frozenset[str]

    def __str__(self) -> str:
        """Return the command line that does the same by hand."""
        own = self.wanted.experiment.endswith(".py")
        program = ("python", self.wanted.experiment) if own else ("sightkit", self.wanted.name)
        return shlex.join([*program, *self.flags])

    @property
    def config(self) -> Any:
        """The script's configuration."""
        return parse_flags(self.script, shlex.join(self.flags))

    def words(self, folder: Path, *, again: bool = False) -> list[str]:
        """Return the words that run it in a folder; ``again`` replaces a finished run there."""
        begun = "resume" in self.fields and folder.exists() and not again
        resume = "--resume" if begun else "--overwrite"
        place = ["--output", str(folder), resume]
        place += ["--keep", "bundle"] if "keep" in self.fields else []
        return [sys.executable, str(self.path), *self.flags, *place]


def missing(wanted: Sequence[Wanted], rows: Sequence[ledger.Row]) -> Iterator[tuple[Wanted, int]]:
    """Yield the runs that the ledger lacks: the first seed of all in their order, then the second.

    Args:
        wanted: the most valuable first.
        rows: of the ledger; a run counts on whichever device it was measured.
    """
    there = {(row["experiment"], row["recipe"], row["seed"]) for row in rows
             if row["status"] == ledger.MEASURED}  # fmt: skip
    not_run = {(row["experiment"], row["recipe"]) for row in rows}
    for seed in range(1, 1 + max((each.seeds for each in wanted), default=0)):
        for each in wanted:
            if each.here and seed <= each.seeds and (*each.series, seed) not in there:
                yield each, seed
            elif not each.here and seed == 1 and each.series not in not_run:
                yield each, seed


def minutes_of(wanted: Wanted, rows: Sequence[ledger.Row]) -> float | None:
    """Return the minutes that a run takes: the median of the measured, else those of the list."""
    found = [
        row["minutes"]
        for row in rows
        if (row["experiment"], row["recipe"]) == wanted.series
        and row["status"] == ledger.MEASURED
        and row["minutes"] is not None
    ]
    return statistics.median(found) if found else wanted.minutes
