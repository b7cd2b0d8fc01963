"""LeNet on scikit-learn's digits: 1,797 images of handwriting that need no download.

Measured: 99.63 ± 0.26 % (n = 5), 0.5 minutes, AMD EPYC, 2 cores.

    python scripts/train_lenet_digits.py

The reference trains LeNet (20-50-500) on MNIST; this is its smallest real data set. Test images are
never looked at before the last line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from sightkit import _cli, experiments, io, zoo


@dataclass(frozen=True)
class Config(experiments.MnistConfig):
    """LeNet on scikit-learn's handwritten digits, enlarged and varied as MNIST's."""

    source: ClassVar[Any] = staticmethod(io.digits)

    output: Path = Path("runs/lenet_digits/default")
    epochs: int = 20
    batch_size: int = 32
    data: Path = Path("datasets/digits.h5")
    fractions: tuple[float, ...] = (0.70, 0.15, 0.15)


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
