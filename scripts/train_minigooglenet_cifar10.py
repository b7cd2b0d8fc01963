"""MiniGoogLeNet on CIFAR-10: small Inception modules.

Measured, best --precision bfloat16: 92.89 % (n = 1), 111.6 minutes, Intel(R) Xeon(R) Processor, 1
core.
Not run here, reference: 70 epochs of 503 s would take 9.8 hours, AMD EPYC, 2 cores.

    python scripts/train_minigooglenet_cifar10.py --precision bfloat16

The reference reports 90.45 % after 70 epochs of SGD at 0.005, a rate that falls along a line
(``--recipe reference``): here it is thirty, at a rate of up to 0.1 that falls along a cosine.
CIFAR-10 is found as by scripts/train_minivggnet_cifar10.py, whose dataset file this is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from sightkit import _cli, experiments, zoo


@dataclass(frozen=True)
class Config(experiments.DeepCifar10Config):
    """MiniGoogLeNet on CIFAR-10."""

    recipes: ClassVar[experiments.Recipes] = {
        "reference": {
            "epochs": 70,
            "batch_size": 64,
            "learning_rate": 0.005,
            "schedule": "linear",
            "rise": None,
            "nesterov": False,
            "reg": 0.0,
            "mean": "image",
        }
    }

    output: Path = Path("runs/minigooglenet_cifar10/default")
    epochs: int = 30


def main(config: Config, *, callbacks: Sequence[Any] = ()) -> dict[str, Any]:
    with experiments.start(config, __file__) as run:
        run.dataset()
        train = run.training()

        network = run.network(zoo.MiniGoogLeNet, reg=config.reg)
        run.compile(network, train)

        run.fit(network, train, callbacks=callbacks)
        return run.report(network)


if __name__ == "__main__":
    _cli.run(main, Config)
