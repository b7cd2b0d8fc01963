"""AlexNet on Kaggle's Dogs vs. Cats: random patches of 227 out of 256, ten crops at the end.

Not run here: 75 epochs of 2609 s would take 54.3 hours, AMD EPYC, 2 cores.

    python scripts/build_dogs_vs_cats.py --data train.zip
    python scripts/train_alexnet_dogs_vs_cats.py --precision bfloat16

The mean colour of the training photos is subtracted. The reference reports 92.6 % after 75 epochs
of Adam at 0.001, and 94 % where the answers to ten crops of each photo are averaged, as here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from sightkit import _cli, experiments
from sightkit.preprocessing import Augment


@dataclass(frozen=True)
class Config(experiments.PatchConfig):
    """AlexNet on dogs and cats."""

    builder: ClassVar[str] = "build_dogs_vs_cats"
    side: ClassVar[int] = 227
    smoke_side: ClassVar[int] = 72
    varied: ClassVar[Augment] = Augment(
        rotation=20, translation=0.2, zoom=0.15, horizontal_flip=True
    )
    recipes: ClassVar[experiments.Recipes] = {"reference": {"schedule": "constant"}}

    output: Path = Path("runs/alexnet_dogs_vs_cats/default")
    epochs: int = 75
    batch_size: int = 128
    data: Path = Path("datasets/dogs_vs_cats.h5")
    """Dataset file (.h5) that scripts/build_dogs_vs_cats.py wrote."""


def main(config: Config, *, callbacks: Sequence[Any] = ()) -> dict[str, Any]:
    small: Any = {"filters": (24, 64, 96, 96, 64), "hidden": (64, 64)} if config.smoke else {}
    return config.train(__file__, "alexnet", callbacks, **small)


if __name__ == "__main__":
    _cli.run(main, Config)
