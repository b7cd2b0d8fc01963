"""The flags that trainings of apps share. No Keras here: ``--help`` answers at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from sightkit import _files
from sightkit._errors import SightkitError, require_at_least, require_numbers
from sightkit.training.run_config import Engine, RunConfig


@dataclass(frozen=True, kw_only=True)
class TrainingFlags(RunConfig):
    """Base of the flags of an app's training script: give the first four their defaults.

    A smoke run takes ``smoke_values`` for flags that are not given, and a folder of its own.

    Raises:
        SightkitError: a number out of range, or resume together with overwrite.
    """

    smoke_values: ClassVar[Mapping[str, Any]] = {}

    output: Path
    """Folder of the run: everything that it writes is in it."""
    epochs: int
    """Passes over the training pictures; more than a finished run had prolong it, with --resume."""
    batch_size: int
    """Pictures a step."""
    learning_rate: float
    """Highest learning rate."""
    seed: int = 1
    """Seed of weights, order and variation."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Arithmetic; weights are float32 in both."""
    guard: Literal["on", "off"] = "on"
    """Stop a training whose loss is NaN or does not come back; ``off`` trains on."""
    keep: Literal["checkpoint", "bundle"] = "checkpoint"
    """Files of a finished run: its bundle and one checkpoint, or the bundle alone."""
    distribute: Engine = "auto"
    """What connects the processes that TF_CONFIG, Slurm or SkyPilot names, or ``sightkit launch``
    starts, to one training: Keras' backend; ``none`` trains in this process alone."""
    resume: bool = False
    """Continue the run in the output folder, wherever its data are now."""
    overwrite: bool = False
    """Delete the run in the output folder and begin anew."""
    smoke: bool = False
    """Run everything on a few made pictures; the result means nothing."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        _files.as_paths(self)
        require_numbers(self)
        require_at_least(self, epochs=1, batch_size=1)
        if not self.learning_rate > 0:
            raise SightkitError(
                "--learning-rate must be a number above 0.",
                f"Give --learning-rate {self.default_of('learning_rate')}, for example.",
                learning_rate=self.learning_rate,
            )
        if self.resume and self.overwrite:
            raise SightkitError("--resume continues a run, --overwrite deletes it: give one.")
        if self.smoke:
            for name, value in self.smoke_values.items():
                if getattr(self, name) == self.default_of(name):
                    object.__setattr__(self, name, value)
            if self.output == self.default_of("output"):
                object.__setattr__(self, "output", self.output.with_name("smoke"))
                object.__setattr__(self, "overwrite", not self.resume)
