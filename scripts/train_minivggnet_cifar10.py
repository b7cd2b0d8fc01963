"""MiniVGGNet on CIFAR-10: 50,000 photos of 32x32 in ten classes, 10,000 more for the test.

Not measured yet.

    python scripts/train_minivggnet_cifar10.py --precision bfloat16

The reference reports 82.36 % for this network after 40 epochs of SGD at 0.01; here the rate falls
to zero along a cosine, and training images are mirrored and shifted. bfloat16 takes half the time
where the processor has it. Batch normalization and dropout make it the hard case of a resume.

CIFAR-10 is found in datasets/cifar-10-batches-py or in KERAS_HOME (~/.keras), or downloaded by
Keras; a file that scripts/build_cifar10.py wrote is used as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from sightkit import _cli, experiments, zoo


@dataclass(frozen=True)
class Config(experiments.Cifar10Config):
    """MiniVGGNet on CIFAR-10."""

    recipes: ClassVar[experiments.Recipes] = {
        "reference": {
            "batch_size": 64,
            "learning_rate": 0.01,
            "schedule": "standard",
            "reg": 0.0,
            "augment": False,
        }
    }

    output: Path = Path("runs/minivggnet_cifar10/default")
    epochs: int = 40
    batch_size: int = 128
    optimizer: experiments.OptimizerName = "sgd"
    learning_rate: float = 0.05
    momentum: float = 0.9
    nesterov: bool = True
    reg: float = 5e-4
    """Strength of L2 on all kernels."""


def main(config: Config, *, callbacks: Sequence[Any] = ()) -> dict[str, Any]:
    with experiments.start(config, __file__) as run:
        run.dataset()
        train = run.training()

        network = run.network(zoo.MiniVGGNet, reg=config.reg)
        run.compile(network, train)

        run.fit(network, train, callbacks=callbacks)
        return run.report(network)


if __name__ == "__main__":
    _cli.run(main, Config)
