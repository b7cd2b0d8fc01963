"""MiniVGGNet on your own photos, as scripts/build_folder.py put them into a dataset file.

Not measured yet.

    python scripts/build_folder.py --data PHOTOS --output datasets/photos.h5
    python scripts/train_minivggnet_photos.py --data datasets/photos.h5
    python scripts/predict.py --bundle runs/minivggnet_photos/default/bundle PHOTO.jpg

A network that begins with random weights wants thousands of photos of each class; with some
hundreds it gives a first figure to beat, by a network that has seen other photos before. Without
batch normalization, whose averages need more steps than some hundreds of photos give. The size of
the network's input is that of the file's images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from sightkit import _cli, experiments, zoo
from sightkit.preprocessing import Augment


@dataclass(frozen=True)
class Config(experiments.Config):
    """MiniVGGNet on your own photos."""

    builder: ClassVar[str] = "build_folder"

    output: Path = Path("runs/minivggnet_photos/default")
    epochs: int = 40
    batch_size: int = 32
    data: Path = Path("datasets/photos.h5")
    """Dataset file (.h5) that scripts/build_folder.py wrote; its images are divided already."""
    split_seed: int = 0
    """Seed of the division of a smoke run's digits."""

    def augmentation(self, height: int, width: int) -> Augment:
        """Return the random variation of a training image of the stored size."""
        return Augment(rotation=15, translation=0.1, zoom=0.15, horizontal_flip=True)


def main(config: Config, *, callbacks: Sequence[Any] = ()) -> dict[str, Any]:
    with experiments.start(config, __file__) as run:
        run.built()
        train = run.training()

        network = run.network(zoo.MiniVGGNet, normalization=None, reg=5e-4)
        run.compile(network, train)

        run.fit(network, train, callbacks=callbacks)
        return run.report(network)


if __name__ == "__main__":
    _cli.run(main, Config)
