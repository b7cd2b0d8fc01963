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

from sightkit import _cli, experiments


@dataclass(frozen=True)
class Config(experiments.ImageNetConfig):
    """SqueezeNet on ImageNet."""

    recipes: ClassVar[experiments.Recipes] = {
        "reference": {"learning_rate": 0.1, "schedule": "constant"}
    }

    output: Path = Path("runs/squeezenet_imagenet/default")
    learning_rate: float = 0.04


def main(config: Config, *, callbacks: Sequence[Any] = ()) -> dict[str, Any]:
    return config.train(__file__, "squeezenet", callbacks, reg=2e-4)


if __name__ == "__main__":
    _cli.run(main, Config)
