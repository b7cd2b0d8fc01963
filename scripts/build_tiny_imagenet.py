"""Tiny ImageNet, 64x64, as one dataset file.

    python scripts/build_tiny_imagenet.py --data tiny-imagenet-200.zip

200 classes of 500 photos to learn from and 50 to be evaluated on, made for Stanford's CS231n, from
cs231n.stanford.edu/tiny-imagenet-200.zip. Expected is its own layout: ``train/CLASS/images``,
``val/images``, ``val/val_annotations.txt``, ``words.txt``. The labels of ``test`` were never
published: those images are left out, and the 10,000 of ``val`` are the test split, as in papers;
a tenth of ``train`` is for validation. The file has 1.4 GB.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from sightkit import _cli, io
from sightkit.preprocessing import Pipeline, SimplePreprocessor


@dataclass(frozen=True)
class Config(io.BuildConfig, io.LinkFlags):
    """The 200 classes of Tiny ImageNet."""

    published: ClassVar[str] = "tiny_imagenet"
    test_data: ClassVar[str] = "tiny-imagenet-mini"
    sample_layout: ClassVar[io.SampleLayout] = "tiny_imagenet"

    data: Path = Path("datasets/tiny-imagenet-200")
    output: Path = Path("datasets/tiny_imagenet.h5")
    fractions: tuple[float | str, ...] = (0.81, 0.09, 0.10)


def main(config: Config) -> dict[str, Any]:
    with config.folder() as folder:
        # All images have 64x64 pixels: with the default size nothing is resized.
        chain = Pipeline((SimplePreprocessor(config.width, config.height),))
        source = io.FolderDataset(folder, "tiny_imagenet", follow_links=config.follow_links)
        return config.build(source, chain)


if __name__ == "__main__":
    _cli.run(main, Config)
