"""GoogLeNet on ImageNet: random patches of 224 out of 256, from shards.

Not measured yet.

    python scripts/build_imagenet.py --data ILSVRC2012 --lists ILSVRC2012_devkit/data
    python scripts/train_googlenet_imagenet.py --precision bfloat16

With batch normalization and without the two auxiliary heads, which it does not need then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from sightkit import _cli, experiments


@dataclass(frozen=True)
class Config(experiments.ImageNetConfig):
    """GoogLeNet on ImageNet."""

    recipes: ClassVar[experiments.Recipes] = {
        "reference": {"learning_rate": 0.01, "schedule": "constant"}
    }

    output: Path = Path("runs/googlenet_imagenet/default")
    optimizer: experiments.OptimizerName = "adamax"
    learning_rate: float = 0.002


def main(config: Config, *, callbacks: Sequence[Any] = ()) -> dict[str, Any]:
    return config.train(__file__, "googlenet", callbacks, normalization="batch", reg=2e-4)


if __name__ == "__main__":
    _cli.run(main, Config)
