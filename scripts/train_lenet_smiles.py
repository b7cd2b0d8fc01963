"""LeNet on SMILEs: faces that smile or do not, three of four do not.

Measured: 92.07 ± 0.37 % (n = 5), 22.2 minutes, AMD EPYC, 1 core.
Measured, reference: 90.93 ± 0.73 % (n = 5), 0.5 minutes, Intel(R) Xeon(R) Processor, 1 core.

    python scripts/build_smiles.py --data SMILEsmileD.zip
    python scripts/train_lenet_smiles.py

The classes count the same in the loss (``--class-weights balanced``): see the recall of each class
in the report. The reference reports 93.51 % after 15 epochs of Adam, with a recall of 0.86 for
smiles; who always answers "no smile" has 71.8 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from sightkit import _cli, experiments, zoo
from sightkit.preprocessing import Augment


@dataclass(frozen=True)
class Config(experiments.Config):
    """LeNet on smiling faces."""

    builder: ClassVar[str] = "build_smiles"
    recipes: ClassVar[experiments.Recipes] = {
        "reference": {
            "epochs": 15,
            "schedule": "constant",
            "augment": False,
            "average_weights": False,
        }
    }

    output: Path = Path("runs/lenet_smiles/default")
    epochs: int = 200
    batch_size: int = 64
    data: Path = Path("datasets/smiles.h5")
    """Dataset file (.h5) that scripts/build_smiles.py wrote."""
    class_weights: Literal["none", "balanced"] = "balanced"
    average_weights: bool = True

    def augmentation(self, height: int, width: int) -> Augment:
        """Return the random variation of a training image of the stored size."""
        return Augment(rotation=10, translation=0.1, zoom=0.1, horizontal_flip=True)


def main(config: Config, *, callbacks: Sequence[Any] = ()) -> dict[str, Any]:
    with experiments.start(config, __file__) as run:
        run.built(side=28)
        train = run.training()

        network = run.network(zoo.LeNet)
        run.compile(network, train)

        run.fit(network, train, callbacks=callbacks)
        return run.report(network)


if __name__ == "__main__":
    _cli.run(main, Config)
