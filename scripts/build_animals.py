"""Photos of cats, dogs and pandas, 32x32, as one dataset file.

    python scripts/build_animals.py --data animals.zip

The animals of the starter path: 3 x 1,000 photos, cats and dogs from Kaggle's Dogs vs. Cats, pandas
from ImageNet. Expected is one folder a class, ``cats``, ``dogs`` and ``panda``, or an archive of
them. Photos are cropped to their middle; a quarter is for the test, as in the course.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from sightkit import _cli, io
from sightkit.preprocessing import AspectAwarePreprocessor, Pipeline

CLASSES = ("cats", "dogs", "panda")


@dataclass(frozen=True)
class Config(io.BuildConfig, io.LinkFlags):
    """Cats, dogs and pandas."""

    published: ClassVar[str] = "animals"
    test_data: ClassVar[str] = "animals"

    data: Path = Path("datasets/animals")
    output: Path = Path("datasets/animals.h5")
    size: tuple[int, ...] = (32, 32)


def main(config: Config) -> dict[str, Any]:
    with config.folder() as folder:
        chain = Pipeline((AspectAwarePreprocessor(config.width, config.height),))
        source = io.FolderDataset(folder, classes=CLASSES, follow_links=config.follow_links)
        return config.build(source, chain, classes=CLASSES)


if __name__ == "__main__":
    _cli.run(main, Config)
