"""ResNet with pre-activation bottlenecks on CIFAR-10: 9 modules a stage, 886,102 parameters.

Not run here: 100 epochs of 454 s would take 12.6 hours, AMD EPYC, 2 cores.

    python scripts/train_resnet_cifar10.py --precision bfloat16

The reference reports 93.58 % after 100 epochs of SGD at 0.1, whose rate falls along a line; its
``reg`` of 5e-4 reached the stem and the classifier alone (``--recipe reference``), here it reaches
every kernel. CIFAR-10 is found as by scripts/train_minivggnet_cifar10.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from sightkit import _cli, experiments, zoo


@dataclass(frozen=True)
class Config(experiments.Cifar10Config):
    """ResNet on CIFAR-10."""

    recipes: ClassVar[experiments.Recipes] = {"reference": {"arguments": ("faithful=true",)}}

    output: Path = Path("runs/resnet_cifar10/default")
    epochs: int = 100
    batch_size: int = 128
    optimizer: experiments.OptimizerName = "sgd"
    learning_rate: float = 0.1
    momentum: float = 0.9
    schedule: experiments.ScheduleName = "linear"
    reg: float = 5e-4
    """Strength of L2 on all kernels."""


def main(config: Config, *, callbacks: Sequence[Any] = ()) -> dict[str, Any]:
    with experiments.start(config, __file__) as run:
        run.dataset()
        train = run.training()

        stages = (1, 1, 1) if config.smoke else (9, 9, 9)  # seconds, not a minute
        network = run.network(zoo.ResNet, stages=stages, reg=config.reg)
        run.compile(network, train)

        run.fit(network, train, callbacks=callbacks)
        return run.report(network)


if __name__ == "__main__":
    _cli.run(main, Config)
