"""CIFAR-10, 32x32, as one dataset file.

    python scripts/build_cifar10.py --data cifar-10-python.tar.gz

50,000 + 10,000 photos in ten classes (Krizhevsky, 2009), from www.cs.toronto.edu/~kriz/cifar.html:
the python version, as an archive or as the folder ``cifar-10-batches-py``. Where the default of
``--data`` does not exist, the archive that Keras keeps (or downloads) is used. The files are
pickles, and are read only where their hash is the published one. The 10,000 test images are the
data set's own; 5,000 of the others are for validation. The file has 190 MB.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from sightkit import _cli, _files, io
from sightkit.preprocessing import Pipeline, SimplePreprocessor


@dataclass(frozen=True)
class Config(io.BuildConfig):
    """The ten classes of CIFAR-10."""

    published: ClassVar[str] = "cifar10"
    sample_layout: ClassVar[io.SampleLayout] = "cifar10"

    data: Path = Path("datasets/cifar-10-batches-py")
    output: Path = Path("datasets/cifar10.h5")
    size: tuple[int, ...] = (32, 32)
    fractions: tuple[float | str, ...] = (0.72, 0.08, 0.20)


def main(config: Config) -> dict[str, Any]:
    with config.folder(otherwise=io.keras_cifar10) as folder:
        # A smoke run brings batches of its own making, which are not the published ones.
        own = config.smoke and {path.name: _files.sha256(path) for path in folder.iterdir()}
        source = io.Cifar10(folder, own or None)
        chain = Pipeline((SimplePreprocessor(config.width, config.height),))
        return config.build(source, chain)


if __name__ == "__main__":
    _cli.run(main, Config)
