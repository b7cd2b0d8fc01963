"""ShallowNet on cats, dogs and pandas: one convolution and a classifier.

Measured: 62.00 ± 2.14 % (n = 5), 2.0 minutes, AMD EPYC, 2 cores.

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
    recipes: ClassVar[experiments.Recipes] = {
        "reference": {"momentum": 0.0, "schedule": "constant", "augment": False}
    }

    output: Path = Path("runs/shallownet_animals/default")
    epochs: int = 100
    batch_size: int = 32
    data: Path = Path("datasets/animals.h5")
    """Dataset file (.h5) that scripts/build_animals.py wrote."""
    optimizer: experiments.OptimizerName = "sgd"
    learning_rate: float = 0.005
    momentum: float = 0.9

    def augmentation(self, height: int, width: int) -> Augment:
        """Return the random variation of a training image of the stored size."""
        return Augment(horizontal_flip=True, translation=0.1, border="reflect")


def main(config: Config, *, callbacks: Sequence[Any] = ()) -> dict[str, Any]:
    with experiments.start(config, __file__) as run:
        run.built()
        train = run.training()

        network = run.network(zoo.ShallowNet)
        run.compile(network, train)

        run.fit(network, train, callbacks=callbacks)
        return run.report(network)


if __name__ == "__main__":
    _cli.run(main, Config)
