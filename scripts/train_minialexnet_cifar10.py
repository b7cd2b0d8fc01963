"""MiniAlexNet on CIFAR-10: three convolutions, each with a pooling.

Measured, best --precision bfloat16: 80.47 ± 0.32 % (n = 3), 21.3 minutes, Intel(R) Xeon(R)
Processor, 2 cores; 11.3 minutes, Intel(R) Xeon(R) Processor, 1 core.
Not run here, reference: 100 epochs of 29 s would take 47.9 minutes, AMD EPYC, 2 cores.

    python scripts/train_minialexnet_cifar10.py
    python scripts/train_minialexnet_cifar10.py --recipe reference

The reference reports 66.2 % after 100 epochs of RMSprop at batches of 32, at the best of its
epochs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from sightkit import _cli, experiments, zoo


@dataclass(frozen=True)
class Config(experiments.Cifar10Config):
    """MiniAlexNet on CIFAR-10."""

    recipes: ClassVar[experiments.Recipes] = {
        "reference": {
            "batch_size": 32,
            "optimizer": "rmsprop",
            "schedule": "constant",
            "augment": False,
        }
    }

    output: Path = Path("runs/minialexnet_cifar10/default")
    epochs: int = 100
    batch_size: int = 128


def main(config: Config, *, callbacks: Sequence[Any] = ()) -> dict[str, Any]:
    with experiments.start(config, __file__) as run:
        run.dataset()
        train = run.training()

        network = run.network(zoo.MiniAlexNet)
        run.compile(network, train)

        run.fit(network, train, callbacks=callbacks)
        return run.report(network)


if __name__ == "__main__":
    _cli.run(main, Config)
