"""Caltech-101, 256x256, as one dataset file.

    python scripts/build_caltech101.py --data 101_ObjectCategories.tar.gz

8,677 photos of 101 kinds of things (Fei-Fei, Fergus and Perona, 2004), from
data.caltech.edu/records/mzrjq-6wc02; the archive there holds 101_ObjectCategories.tar.gz, which is
wanted here: one folder a class. The 102nd folder, BACKGROUND_Google, holds what is none of them,
and is left out as the course does; ``--background`` takes it as a class.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightkit import _cli, io
from sightkit.preprocessing import AspectAwarePreprocessor, Pipeline

OTHER = "BACKGROUND_Google"


@dataclass(frozen=True)
class Config(io.BuildConfig):
    """The 101 classes of Caltech."""

    data: Path = Path("datasets/101_ObjectCategories")
    output: Path = Path("datasets/caltech101.h5")
    size: int = 256
    background: bool = False
    """Take BACKGROUND_Google, pictures of none of the classes, as the 102nd class."""


def main(config: Config) -> dict[str, Any]:
    with config.folder() as folder:
        chain = Pipeline((AspectAwarePreprocessor(config.size, config.size),))
        left_out = () if config.background or not any(folder.glob(f"**/{OTHER}")) else (OTHER,)
        return config.build(io.FolderDataset(folder, exclude=left_out), chain)


if __name__ == "__main__":
    _cli.run(main, Config)
