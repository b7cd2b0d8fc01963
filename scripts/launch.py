"""Train on this machine in several processes, each with its share of every batch.

    sightkit launch --processes 2 -- train_minivggnet_cifar10 --epochs 20
    sightkit launch --processes 2 --restarts 3 -- train_minivggnet_cifar10

What follows ``--`` is a training script with its flags. The processor's cores are divided among the
processes; --batch-size is that of all together, and the learning rate is not changed. The first
process writes the run folder and what the terminal shows. If a process is lost, the others end
within seconds, with exit code 75, and --resume goes on from what was saved; --restarts does that by
itself. On several machines the same script is started on each, by Kubernetes, Slurm or SkyPilot
(docs/cluster); this script is for one.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Annotated

import tyro

from sightkit import _cli, _scripts
from sightkit._errors import SightkitError, require_at_least
from sightkit.training import launcher


@dataclass(frozen=True)
class Config:
    """Train in several processes on this machine."""

    command: Annotated[tuple[str, ...], tyro.conf.Positional]
    """Training script and its flags, after ``--``."""
    processes: int = 2
    """Number of processes."""
    restarts: int = 0
    """Times that a training which has lost a process is resumed."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        require_at_least(self, processes=2, restarts=0)
        if not self.command or not _scripts.find(self.command[0]).split("/")[-1].startswith(
            "train"
        ):
            raise SightkitError(
                "Name a training script, and its flags, after --.",
                "Like sightkit launch --processes 2 -- train_lenet_digits.",
                command=" ".join(self.command),
            )
        if self.restarts and "--overwrite" in self.command:
            raise SightkitError(
                "A restart resumes the run, and this command overwrites it.",
                "Leave one of the two out.",
                restarts=self.restarts,
            )


def main(config: Config) -> None:
    """Start the processes, and wait for all."""
    name, *flags = config.command
    command = [sys.executable, "-m", "sightkit", _scripts.find(name), *flags]
    sys.exit(launcher.run(command, config.processes, restarts=config.restarts))


if __name__ == "__main__":
    _cli.run(main, Config)
