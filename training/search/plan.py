"""The plan of a search: experiment, space, trials, folds, objective."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightkit._errors import SightkitError
from sightkit.training.search.space import Space, space_to_json, with_values

MONITORED = {"rank1": "val_accuracy", "loss": "val_loss"}
"""Objective to the name of its value in an epoch's logs."""


@dataclass(frozen=True)
class SearchPlan:
    """Settings of a search.

    Attributes:
        experiment: name of the script.
        main: of the script: ``main(config, callbacks=…)`` returns what metrics.json holds.
        config: of the script; the search replaces what ``space`` names.
        space: field to optuna's distribution.
        output: folder of the search.
        trials: in all; the first half of them coarse.
        coarse_epochs: of a coarse trial; fine ones have ``config.epochs``.
        folds: 1 trains on the script's own split; more is cross-validation, the mean counts.
        objective: ``"rank1"`` or ``"loss"``, of the validation images.
        seed: of the values that are tried, and of the folds.
        prune: end a trial that is worse than the median of earlier ones at its epoch.
    """

    experiment: str
    main: Callable[..., dict[str, Any]]
    config: Any
    space: Space
    output: Path
    trials: int
    coarse_epochs: int
    folds: int = 1
    objective: str = "rank1"
    seed: int = 1
    prune: bool = True

    def __post_init__(self) -> None:
        if self.trials < 1 or self.folds < 1 or self.coarse_epochs < 1 or self.seed < 0:
            raise SightkitError(
                "A search needs at least one trial, fold and coarse epoch, and a seed from 0.",
                trials=self.trials,
                folds=self.folds,
                coarse_epochs=self.coarse_epochs,
                seed=self.seed,
            )
        if not self.space:
            raise SightkitError("There must be something to search for.", "Give --space.")
        for name, dimension in self.space.items():  # a value that Config refuses, refused now
            found = vars(dimension)
            for value in found.get("choices") or (found["low"], found["high"]):
                with_values(self.config, {**self._reader_of(name), name: value})

    def _reader_of(self, name: str) -> dict[str, Any]:
        """Return a choice of the space that reads a flag, with its value: a schedule's name."""
        for choice, readers in self.config.choices.items():
            tried = getattr(self.space.get(choice), "choices", ())
            if tried and any(name in names for names in readers.values()):
                reading = [each for each in tried if name in readers.get(each, ())]
                return {choice: (reading or tried)[0]}
        return {}

    def wanted(self, stage: str) -> int:
        """Return the number of trials of a stage."""
        coarse = self.trials // 2
        return coarse if stage == "coarse" else self.trials - coarse

    def settings(self) -> dict[str, Any]:
        """Return what must be the same in all processes of a search, as JSON."""
        return {
            "experiment": self.experiment,
            "config": self.config.to_json(),
            "space": space_to_json(self.space),
            **{
                name: getattr(self, name)
                for name in ("trials", "coarse_epochs", "folds", "objective", "seed", "prune")
            },
        }
