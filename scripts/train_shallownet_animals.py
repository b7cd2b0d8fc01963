"""ShallowNet on 3,000 photos of cats, dogs and pandas: one convolution and a classifier.

Not measured yet.

    python scripts/build_animals.py --data animals.zip
    python scripts/train_shallownet_animals.py

The reference reports 69.47 % after 100 epochs of SGD at 0.005, without variation of the photos.
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
    """ShallowNet on cats, dogs and pandas."""

    builder: ClassVar[str] = "build_animals"

    output: Path = Path("runs/shallownet_animals/default")
    epochs: int = 100
    batch_size: int = 32
    data: Path = Path("datasets/animals.h5")
    """Dataset file (.h5) that scripts/build_animals.py wrote."""
    learning_rate: float = 0.005
    """Rate of SGD with momentum 0.9 at the start; falls to zero along half a cosine."""

    def augmentation(self, height: int, width: int) -> Augment:
        """Return the random variation of a training image of the stored size."""
        return Augment(horizontal_flip=True, translation=0.1, border="reflect")


def main(config: Config, *, callbacks: Sequence[Any] = ()) -> dict[str, Any]:
    with experiments.start(config, __file__) as run:
        import keras

        data = run.built()
        train = data.training(config.augmentation(*data.file.shape[1:3]))

        network = zoo.ShallowNet(data.image_shape, data.classes)
        rate = keras.optimizers.schedules.CosineDecay(config.learning_rate, run.steps(train))
        network.compile(keras.optimizers.SGD(rate, momentum=0.9), **experiments.CLASSIFICATION)

        run.fit(network, train, callbacks=callbacks)
        return run.report(network)


if __name__ == "__main__":
    _cli.run(main, Config)
