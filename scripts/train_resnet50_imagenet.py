"""ResNet50 on ImageNet: random patches of 224 out of 256, from shards.

Not measured yet.

    python scripts/build_imagenet.py --data ILSVRC2012 --lists ILSVRC2012_devkit/data
    python scripts/train_resnet50_imagenet.py --precision bfloat16

Trained by others it has 76.16 %, with stronger recipes 80.38 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from sightkit import _cli, experiments


@dataclass(frozen=True)
class Config(experiments.ImageNetConfig):
    """ResNet50 on ImageNet."""

    recipes: ClassVar[experiments.Recipes] = {
        "reference": {"learning_rate": 0.1, "nesterov": False, "schedule": "constant"}
    }

    output: Path = Path("runs/resnet50_imagenet/default")
    epochs: int = 90
    learning_rate: float = 0.05
    nesterov: bool = True
    schedule: experiments.ScheduleName = "cosine"


def main(config: Config, *, callbacks: Sequence[Any] = ()) -> dict[str, Any]:
    small: Any = {"blocks": (1, 1, 1, 1)} if config.smoke else {}
    return config.train(__file__, "resnet50", callbacks, reg=1e-4, **small)


if __name__ == "__main__":
    _cli.run(main, Config)
