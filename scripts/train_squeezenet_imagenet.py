"""SqueezeNet on ImageNet: random patches of 224 out of 256, from shards.

Not measured yet.

    python scripts/build_imagenet.py --data ILSVRC2012 --lists ILSVRC2012_devkit/data
    python scripts/train_squeezenet_imagenet.py --precision bfloat16

Version 1.1. Trained by others it has 58.19 %, 80.62 % within five answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from sightkit import _cli, experiments, zoo


@dataclass(frozen=True)
class Config(experiments.ImageNetConfig):
    """SqueezeNet on ImageNet."""

    recipes: ClassVar[experiments.Recipes] = {"reference": {}}

    output: Path = Path("runs/squeezenet_imagenet/default")
    epochs: int = 80
    batch_size: int = 128
    optimizer: experiments.OptimizerName = "sgd"
    learning_rate: float = 0.04
    momentum: float = 0.9
    schedule: experiments.ScheduleName = "linear"


def main(config: Config, *, callbacks: Sequence[Any] = ()) -> dict[str, Any]:
    with experiments.start(config, __file__) as run:
        train = config.patches(run)

        network = run.network(zoo.SqueezeNet, reg=2e-4)
        run.compile(network, train)

        run.fit(network, train, callbacks=callbacks)
        return run.report(network, views=10)


if __name__ == "__main__":
    _cli.run(main, Config)
