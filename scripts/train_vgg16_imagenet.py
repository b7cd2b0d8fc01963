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
from typing import Any

from sightkit import _cli, experiments


@dataclass(frozen=True)
class Config(experiments.ImageNetConfig):
    """VGG16 on ImageNet."""

    output: Path = Path("runs/vgg16_imagenet/default")
    batch_size: int = 32


def main(config: Config, *, callbacks: Sequence[Any] = ()) -> dict[str, Any]:
    small: Any = {"hidden": (64, 64)} if config.smoke else {"dropout": 0.5}
    return config.train(__file__, "vgg16", callbacks, normalization="batch", reg=5e-4, **small)


if __name__ == "__main__":
    _cli.run(main, Config)
