"""ShallowNet on CIFAR-10: one convolution and a classifier.

Not measured yet.

    python scripts/train_shallownet_cifar10.py
    python scripts/train_shallownet_cifar10.py --recipe reference

The reference reports 59.43 % after 40 epochs of plain SGD at 0.01.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from sightkit import _cli, experiments, zoo


@dataclass(frozen=True)
class Config(experiments.Cifar10Config):
    """ShallowNet on CIFAR-10."""

    recipes: ClassVar[experiments.Recipes] = {
        "reference": {
            "batch_size": 32,
            "momentum": 0.0,
            "learning_rate": 0.01,
            "schedule": "constant",
            "augment": False,
            "reg": 0.0,
        }
    }

    output: Path = Path("runs/shallownet_cifar10/default")
    epochs: int = 40
    batch_size: int = 128
    optimizer: experiments.OptimizerName = "sgd"
    learning_rate: float = 0.02
    momentum: float = 0.9
    reg: float = 5e-4
    """Strength of L2 on all kernels."""


def main(config: Config, *, callbacks: Sequence[Any] = ()) -> dict[str, Any]:
    with experiments.start(config, __file__) as run:
        run.dataset()
        train = run.training()

        network = run.network(zoo.ShallowNet, reg=config.reg)
        run.compile(network, train)

        run.fit(network, train, callbacks=callbacks)
        return run.report(network)


if __name__ == "__main__":
    _cli.run(main, Config)
