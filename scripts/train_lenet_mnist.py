"""LeNet on MNIST: 60,000 handwritten digits to learn from, 10,000 to be evaluated on.

Measured: 99.51 ± 0.08 % (n = 5), 7.0 minutes, AMD EPYC, 2 cores.

    python scripts/train_lenet_mnist.py
    python scripts/train_lenet_mnist.py --recipe reference

The reference reports 98.66 % for this network after 20 epochs of plain SGD at 0.01; here the rate
falls to zero along a cosine, there is momentum, and training images are varied. Validation images
are taken from the 60,000, so that the 10,000 are met once, at the end.

MNIST is found in KERAS_HOME (~/.keras), or downloaded by Keras.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from sightkit import _cli, experiments, zoo


@dataclass(frozen=True)
class Config(experiments.MnistConfig):
    """LeNet on MNIST."""

    recipes: ClassVar[experiments.Recipes] = {
        "reference": {
            "learning_rate": 0.01,
            "momentum": 0.0,
            "nesterov": False,
            "schedule": "constant",
            "augment": False,
        }
    }

    output: Path = Path("runs/lenet_mnist/default")
    epochs: int = 20
    batch_size: int = 128
    optimizer: experiments.OptimizerName = "sgd"
    learning_rate: float = 0.05
    momentum: float = 0.9
    nesterov: bool = True


def main(config: Config, *, callbacks: Sequence[Any] = ()) -> dict[str, Any]:
    with experiments.start(config, __file__) as run:
        run.dataset()
        train = run.training()

        network = run.network(zoo.LeNet)
        run.compile(network, train)

        run.fit(network, train, callbacks=callbacks)
        return run.report(network)


if __name__ == "__main__":
    _cli.run(main, Config)
