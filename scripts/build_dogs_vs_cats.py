"""Kaggle's Dogs vs. Cats, 256x256, as one dataset file.

    python scripts/build_dogs_vs_cats.py --data train.zip

25,000 photos of the Asirra set, from www.kaggle.com/c/dogs-vs-cats: ``train/cat.0.jpg`` to
``train/dog.12499.jpg``, the label in the name. Images without a label (``test1/1.jpg``) are left
out, and counted. 20,000 to learn from, 2,500 and 2,500 to be evaluated on, as in the course; photos
are cropped to their middle. The file has 4.9 GB.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from sightkit import _cli, io
from sightkit.preprocessing import AspectAwarePreprocessor, Pipeline


@dataclass(frozen=True)
class Config(io.BuildConfig, io.LinkFlags):
    """Dogs and cats, labelled by their names."""

    published: ClassVar[str] = "dogs_vs_cats"
    test_data: ClassVar[str] = "dogs-vs-cats"
    sample_layout: ClassVar[io.SampleLayout] = "names"

    data: Path = Path("datasets/dogs-vs-cats")
    output: Path = Path("datasets/dogs_vs_cats.h5")
    size: tuple[int, ...] = (256, 256)
    fractions: tuple[float | str, ...] = (0.8, 0.1, 0.1)


def main(config: Config) -> dict[str, Any]:
    with config.folder() as folder:
        chain = Pipeline((AspectAwarePreprocessor(config.width, config.height),))
        source = io.FolderDataset(folder, "names", follow_links=config.follow_links)
        return config.build(source, chain, classes=("cat", "dog"))


if __name__ == "__main__":
    _cli.run(main, Config)
