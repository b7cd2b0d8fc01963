"""ShallowNet on CIFAR-10: one convolution and a classifier.

Measured: 69.90 ± 0.35 % (n = 5), 8.2 minutes, AMD EPYC, 2 cores.
Measured, best --mean none: 68.33 % (n = 1), 9.0 minutes, AMD EPYC, 2 cores.

    python scripts/train_shallownet_cifar10.py
    python scripts/train_shallownet_cifar10.py --recipe reference

The reference reports 59.43 % after 40 epochs of plain SGD at 0.01; here it is Adam, whose rate
falls to zero along a cosine, the mean colour is subtracted, and training images are varied.
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
            "optimizer": "sgd",
            "learning_rate": 0.01,
            "schedule": "constant",
            "augment": False,
            "mean": "none",
        }
    }

    output: Path = Path("runs/shallownet_cifar10/default")
    epochs: int = 40
    batch_size: int = 128
    mean: experiments.MeanName = "channel"


def main(config: Config, *, callbacks: Sequence[Any] = ()) -> dict[str, Any]:
    with experiments.start(config, __file__) as run:
        run.dataset()
        train = run.training()

        network = run.network(zoo.ShallowNet)
        run.compile(network, train)

        run.fit(network, train, callbacks=callbacks)
        return run.report(network)


if __name__ == "__main__":
    _cli.run(main, Config)
