"""AlexNet on ImageNet: random patches of 227 out of 256, from shards.

Not measured yet.

    python scripts/build_imagenet.py --data ILSVRC2012 --lists ILSVRC2012_devkit/data
    python scripts/train_alexnet_imagenet.py --precision bfloat16

The reference, which lowers the rate by hand, reports 55.98 % after 74 epochs, 79.08 % within five
answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from sightkit import _cli, experiments


@dataclass(frozen=True)
class Config(experiments.ImageNetConfig):
    """AlexNet on ImageNet."""

    side: ClassVar[int] = 227
    smoke_side: ClassVar[int] = 72

    output: Path = Path("runs/alexnet_imagenet/default")
    epochs: int = 100


def main(config: Config, *, callbacks: Sequence[Any] = ()) -> dict[str, Any]:
    small: Any = {"filters": (24, 64, 96, 96, 64), "hidden": (64, 64)} if config.smoke else {}
    return config.train(__file__, "alexnet", callbacks, reg=5e-4, **small)


if __name__ == "__main__":
    _cli.run(main, Config)
