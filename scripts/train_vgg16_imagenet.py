"""VGG16 on ImageNet: random patches of 224 out of 256, from shards.

Not measured yet.

    python scripts/build_imagenet.py --data ILSVRC2012 --lists ILSVRC2012_devkit/data
    python scripts/train_vgg16_imagenet.py --precision bfloat16

With batch normalization, so that it learns from random weights at all. Trained by others it has
71.59 %, 90.40 % within five answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from sightkit import _cli, experiments, zoo


@dataclass(frozen=True)
class Config(experiments.ImageNetConfig):
    """VGG16 on ImageNet."""

    recipes: ClassVar[experiments.Recipes] = {"reference": {}}

    output: Path = Path("runs/vgg16_imagenet/default")
    epochs: int = 80
    batch_size: int = 32
    optimizer: experiments.OptimizerName = "sgd"
    learning_rate: float = 0.01
    momentum: float = 0.9
    schedule: experiments.ScheduleName = "linear"


def main(config: Config, *, callbacks: Sequence[Any] = ()) -> dict[str, Any]:
    with experiments.start(config, __file__) as run:
        train = config.patches(run)

        small: Any = {"hidden": (64, 64)} if config.smoke else {"dropout": 0.5}
        network = run.network(zoo.VGG16, normalization="batch", reg=5e-4, **small)
        run.compile(network, train)

        run.fit(network, train, callbacks=callbacks)
        return run.report(network, views=10)


if __name__ == "__main__":
    _cli.run(main, Config)
