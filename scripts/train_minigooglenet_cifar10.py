"""MiniGoogLeNet on CIFAR-10: small Inception modules, a rate that falls along a line.

Not measured yet.

    python scripts/train_minigooglenet_cifar10.py --precision bfloat16

The reference reports 90.45 % after 70 epochs of SGD at 0.005. CIFAR-10 is found as by
scripts/train_minivggnet_cifar10.py, whose dataset file this is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from sightkit import _cli, experiments, io, zoo
from sightkit.preprocessing import Augment, Pipeline, SimplePreprocessor


@dataclass(frozen=True)
class Config(experiments.Config):
    """MiniGoogLeNet on CIFAR-10."""

    recipes: ClassVar[Mapping[str, Mapping[str, Any]]] = {"reference": {"mean": "image"}}

    output: Path = Path("runs/minigooglenet_cifar10/default")
    epochs: int = 70
    batch_size: int = 64
    data: Path = Path("datasets/cifar10.h5")
    size: tuple[int, ...] = (32, 32)
    fractions: tuple[float, ...] = (0.72, 0.08, 0.20)  # 45,000, 5,000 and CIFAR-10's own 10,000
    optimizer: experiments.OptimizerName = "sgd"
    learning_rate: float = 0.005
    momentum: float = 0.9
    schedule: experiments.ScheduleName = "linear"

    def augmentation(self, height: int, width: int) -> Augment:
        """Return the random variation of a training image of the stored size."""
        return Augment(horizontal_flip=True, translation=0.1, border="reflect")


def main(config: Config, *, callbacks: Sequence[Any] = ()) -> dict[str, Any]:
    with experiments.start(config, __file__) as run:
        run.dataset(
            io.digits if config.smoke else io.FetchedCifar10(),
            Pipeline((SimplePreprocessor(config.width, config.height),)),
        )
        train = run.training()

        network = run.network(zoo.MiniGoogLeNet)
        run.compile(network, train)

        run.fit(network, train, callbacks=callbacks)
        return run.report(network)


if __name__ == "__main__":
    _cli.run(main, Config)
