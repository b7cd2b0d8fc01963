"""MiniGoogLeNet on CIFAR-10: small Inception modules, a rate that falls along a line.

Not measured yet.

    python scripts/train_minigooglenet_cifar10.py --precision bfloat16

The reference reports 90.45 % after 70 epochs of SGD at 0.005. CIFAR-10 is found as by
scripts/train_minivggnet_cifar10.py, whose dataset file this is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from sightkit import _cli, experiments, zoo


@dataclass(frozen=True)
class Config(experiments.Cifar10Config):
    """MiniGoogLeNet on CIFAR-10."""

    recipes: ClassVar[experiments.Recipes] = {"reference": {"mean": "image"}}

    output: Path = Path("runs/minigooglenet_cifar10/default")
    epochs: int = 70
    batch_size: int = 64
    optimizer: experiments.OptimizerName = "sgd"
    learning_rate: float = 0.005
    momentum: float = 0.9
    schedule: experiments.ScheduleName = "linear"


def main(config: Config, *, callbacks: Sequence[Any] = ()) -> dict[str, Any]:
    with experiments.start(config, __file__) as run:
        run.dataset()
        train = run.training()

        network = run.network(zoo.MiniGoogLeNet)
        run.compile(network, train)

        run.fit(network, train, callbacks=callbacks)
        return run.report(network)


if __name__ == "__main__":
    _cli.run(main, Config)
