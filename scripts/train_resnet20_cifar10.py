"""ResNet-20, as the ResNet paper has it for CIFAR-10: 274,442 parameters.

Measured, best --precision bfloat16: 91.93 % (n = 1), 110.5 minutes, Intel(R) Xeon(R) Processor, 1
core.
Not run here, reference: 182 epochs of 212 s would take 10.7 hours, AMD EPYC, 2 cores.

    python scripts/train_resnet20_cifar10.py --precision bfloat16

The paper reports 91.25 % after 64,000 steps of SGD, the reference 91.79 % after 200 epochs: here
it is half of them, and the rate falls along a cosine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from sightkit import _cli, experiments, zoo


@dataclass(frozen=True)
class Config(experiments.DeepCifar10Config):
    """ResNet-20 on CIFAR-10."""

    recipes: ClassVar[experiments.Recipes] = {
        "reference": {
            "epochs": 182,
            "schedule": "step",
            "rise": None,
            "drop_every": 91,
            "drop_factor": 0.1,
            "nesterov": False,
            "reg": 1e-4,
        }
    }

    output: Path = Path("runs/resnet20_cifar10/default")
    epochs: int = 100


def main(config: Config, *, callbacks: Sequence[Any] = ()) -> dict[str, Any]:
    with experiments.start(config, __file__) as run:
        run.dataset()
        train = run.training()

        network = run.network(zoo.ResNet20, reg=config.reg)
        run.compile(network, train)

        run.fit(network, train, callbacks=callbacks)
        return run.report(network)


if __name__ == "__main__":
    _cli.run(main, Config)
