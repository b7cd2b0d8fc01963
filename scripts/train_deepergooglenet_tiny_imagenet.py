"""DeeperGoogLeNet on Tiny ImageNet: 200 classes of photos of 64x64.

Not run here: 70 epochs of 4750 s would take 92.4 hours, AMD EPYC, 2 cores.

    python scripts/build_tiny_imagenet.py --data tiny-imagenet-200.zip
    python scripts/train_deepergooglenet_tiny_imagenet.py --precision bfloat16

The notes train it by Adam at 0.001, lower by hand where the loss stays; they record no figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from sightkit import _cli, experiments, zoo


@dataclass(frozen=True)
class Config(experiments.TinyImageNetConfig):
    """DeeperGoogLeNet on Tiny ImageNet."""

    recipes: ClassVar[experiments.Recipes] = {"reference": {"schedule": "constant"}}

    output: Path = Path("runs/deepergooglenet_tiny_imagenet/default")
    epochs: int = 70


def main(config: Config, *, callbacks: Sequence[Any] = ()) -> dict[str, Any]:
    with experiments.start(config, __file__) as run:
        run.built()
        train = run.training()

        network = run.network(zoo.DeeperGoogLeNet, reg=2e-4)
        run.compile(network, train)

        run.fit(network, train, callbacks=callbacks)
        return run.report(network)


if __name__ == "__main__":
    _cli.run(main, Config)
