"""MiniGoogLeNet on CIFAR-10: small Inception modules, a rate that falls along a line.

Not measured yet.

    python scripts/train_minigooglenet_cifar10.py --precision bfloat16

The reference reports 90.45 % after 70 epochs of SGD at 0.005. CIFAR-10 is found as by
scripts/train_minivggnet_cifar10.py, whose dataset file this is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightkit import _cli, experiments, io, zoo
from sightkit.preprocessing import Augment, Pipeline, SimplePreprocessor


@dataclass(frozen=True)
class Config(experiments.Config):
    """MiniGoogLeNet on CIFAR-10."""

    output: Path = Path("runs/minigooglenet_cifar10/default")
    epochs: int = 70
    batch_size: int = 64
    data: Path = Path("datasets/cifar10.h5")
    size: tuple[int, ...] = (32, 32)
    learning_rate: float = 0.005
    """Rate of SGD with momentum 0.9 at the start; falls to zero along a line."""

    def augmentation(self, height: int, width: int) -> Augment:
        """Return the random variation of a training image of the stored size."""
        return Augment(horizontal_flip=True, translation=0.1, border="reflect")


def main(config: Config, *, callbacks: Sequence[Any] = ()) -> dict[str, Any]:
    with experiments.start(config, __file__) as run:
        import keras

        data = run.dataset(
            io.digits if config.smoke else io.FetchedCifar10(),
            Pipeline((SimplePreprocessor(config.width, config.height),)),
            fractions={"train": 0.72, "validation": 0.08, "test": 0.20},  # 45,000 and 5,000
        )
        train = data.training(config.augmentation(*data.file.shape[1:3]))

        network = zoo.MiniGoogLeNet(data.image_shape, data.classes)
        steps = run.steps(train)
        rate = keras.optimizers.schedules.PolynomialDecay(config.learning_rate, steps, 0.0)
        network.compile(keras.optimizers.SGD(rate, momentum=0.9), **experiments.CLASSIFICATION)

        run.fit(network, train, callbacks=callbacks)
        return run.report(network)


if __name__ == "__main__":
    _cli.run(main, Config)
