"""AlexNet on Kaggle's Dogs vs. Cats: random patches of 227 out of 256, ten crops at the end.

Not measured yet.

    python scripts/build_dogs_vs_cats.py --data train.zip
    python scripts/train_alexnet_dogs_vs_cats.py --precision bfloat16

The mean colour of the training photos is subtracted. The reference reports 92.6 % after 75 epochs
of Adam at 0.001, and 94 % where the answers to ten crops of each photo are averaged, as here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from sightkit import _cli, experiments, zoo
from sightkit import preprocessing as pre


@dataclass(frozen=True)
class Config(experiments.Config):
    """AlexNet on dogs and cats."""

    builder: ClassVar[str] = "build_dogs_vs_cats"
    recipes: ClassVar[experiments.Recipes] = {"reference": {"schedule": "constant"}}

    output: Path = Path("runs/alexnet_dogs_vs_cats/default")
    epochs: int = 75
    batch_size: int = 128
    data: Path = Path("datasets/dogs_vs_cats.h5")
    """Dataset file (.h5) that scripts/build_dogs_vs_cats.py wrote."""
    mean: Literal["none", "channel", "image"] = "channel"

    def patch(self, height: int, width: int) -> tuple[int, int]:
        """Return width and height of the network's input, cut out of a stored image."""
        size = self.size or (round(height * 227 / 256), round(width * 227 / 256))
        return size[1], size[0]

    def augmentation(self, height: int, width: int) -> pre.RandomPipeline:
        """Return the random variation of a training image of the stored size."""
        varied = pre.Augment(rotation=20, translation=0.2, zoom=0.15, horizontal_flip=True)
        return pre.RandomPipeline((pre.PatchPreprocessor(*self.patch(height, width)), varied))


def main(config: Config, *, callbacks: Sequence[Any] = ()) -> dict[str, Any]:
    with experiments.start(config, __file__) as run:
        data = run.built(side=72)
        height, width = data.file.shape[1:3]
        patch = config.patch(height, width)
        share = min(1.0, max(patch[0] / width, patch[1] / height))
        middle = pre.AspectAwarePreprocessor(*patch, crop=share)
        floats = run.to_floats(middle)
        data.chain = pre.Pipeline((middle, *floats))
        train = run.training(pre.Pipeline(floats))

        small: Any = {"filters": (24, 64, 96, 96, 64), "hidden": (64, 64)} if config.smoke else {}
        network = run.network(zoo.AlexNet, **small)
        run.compile(network, train)

        run.fit(network, train, callbacks=callbacks)
        return run.report(network, views=10)


if __name__ == "__main__":
    _cli.run(main, Config)
