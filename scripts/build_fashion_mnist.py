"""Fashion-MNIST, 28x28 grey, as one dataset file.

    python scripts/build_fashion_mnist.py --data fashion-mnist

60,000 + 10,000 pictures of ten kinds of clothes (Xiao, Rasul and Vollgraf, 2017), light on dark,
from github.com/zalandoresearch/fashion-mnist: a folder of the four .gz files. Where the default of
``--data`` does not exist, those that Keras keeps (or downloads) are used. The 10,000 test images
are the data set's own; 5,000 of the others are for validation. The file has 60 MB.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from sightkit import _cli, io
from sightkit.preprocessing import Pipeline, SimplePreprocessor


@dataclass(frozen=True)
class Config(io.BuildConfig):
    """The ten kinds of clothes of Fashion-MNIST."""

    published: ClassVar[str] = "fashion_mnist"

    data: Path = Path("datasets/fashion-mnist")
    output: Path = Path("datasets/fashion_mnist.h5")
    size: tuple[int, ...] = (28, 28)
    fractions: tuple[float | str, ...] = (0.825, 0.075, 0.1)


def main(config: Config) -> dict[str, Any]:
    chain = Pipeline((SimplePreprocessor(config.width, config.height),))
    if config.smoke:  # needs no download
        return config.build(io.digits, chain)
    with config.folder(otherwise=io.keras_fashion_mnist) as folder:
        return config.build(io.FashionMnist(folder), chain)


if __name__ == "__main__":
    _cli.run(main, Config)
