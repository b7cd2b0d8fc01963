"""The ledger of results: measure what is missing, write the tables, run a row again.

    sightkit ledger run --minutes 60                 # the most valuable missing rows, in this time
    sightkit ledger run --only train_lenet_digits
    sightkit ledger table                            # README.md, docs/results.md, docstrings
    sightkit ledger verify train_lenet_digits        # reproduced, or not

For a checkout of the repository. benchmarks/results/experiments.toml lists the experiments that are
wanted, the most valuable first; benchmarks/results/experiments.csv has a row for each run. A run is
a process of its own; one that is stopped, by the limit, a signal or a kill, is resumed by the next
call. What takes too long here is begun, for the time of an epoch, and listed as not run here.

Every other evaluation on a test set adds a row to runs/ledger.csv, with the same columns.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from sightkit import _cli, _scripts
from sightkit._errors import SightkitError
from sightkit.experiments.ledger_wanted import Checkout

FLAGS = {
    "run": {"minutes", "only"},
    "table": {"check"},
    "verify": {"experiment", "recipe", "seed"},
}
"""Fields of each action, beside those of the place."""


@dataclass(frozen=True)
class Config:
    """Measure, write tables, or verify."""

    action: Annotated[Literal["run", "table", "verify"], tyro.conf.Positional]
    """Measure what is missing, write the tables, or run a row again."""
    experiment: Annotated[str, tyro.conf.Positional] = ""
    """Name of the experiment to verify: train_lenet_digits."""
    minutes: float | None = None
    """Time after which nothing is measured any more; as long as it takes by default."""
    only: str = ""
    """The one experiment to measure; all by default."""
    recipe: str = "best"
    """Recipe of the row to verify, as the ledger names it."""
    seed: int | None = None
    """Seed of the row to verify; the lowest that was measured by default."""
    check: bool = False
    """Write no table; exit with 2 where one differs from the ledger."""
    root: Path = _scripts.FOLDER.parent
    """Checkout whose ledger it is."""
    output: Path | None = None
    """Folder of the runs; runs/ledger in the checkout by default."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        for name, field in type(self).__dataclass_fields__.items():
            owners = [action for action, names in FLAGS.items() if name in names]
            if owners and self.action not in owners and getattr(self, name) != field.default:
                raise SightkitError(
                    f"{name} belongs to {owners[0]}.", "Leave it out.", action=self.action
                )
        if self.minutes is not None and not self.minutes > 0:
            raise SightkitError("--minutes must be above 0.", minutes=self.minutes)
        if self.action == "verify" and not self.experiment:
            raise SightkitError("Name the experiment to verify.", "train_lenet_digits for example.")


def main(config: Config) -> str:
    root = config.root.resolve()
    output = (config.output or root / "runs" / "ledger").resolve()
    checkout = Checkout(root, output)
    with contextlib.chdir(root) if root.is_dir() else contextlib.nullcontext():
        if config.action == "run":
            from sightkit.experiments.ledger_run import measure_missing

            measure_missing(checkout, minutes=config.minutes, only=config.only)
            return ""
        if config.action == "verify":
            from sightkit.experiments.ledger_verify import verify

            line = verify(checkout, config.experiment, config.recipe, config.seed)
            print(line)
            return line
        from sightkit.experiments.ledger_tables import write_tables

        changed = write_tables(checkout, check=config.check)
        if changed and config.check:
            raise SightkitError(
                "Tables must be those of the ledger.",
                "scripts/ledger.py table writes them.",
                files=changed,
            )
        if config.check:
            print("Every table is the ledger's.")
        return "\n".join(changed)


if __name__ == "__main__":
    _cli.run(main, Config)
