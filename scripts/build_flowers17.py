"""Oxford's 17 flowers, 64x64, as one dataset file.

    python scripts/build_flowers17.py --data 17flowers.tgz

17 x 80 photos of the Visual Geometry Group, University of Oxford (Nilsback and Zisserman, 2006),
from www.robots.ox.ac.uk/~vgg/data/flowers/17. The archive as it is published holds
``image_0001.jpg`` to ``image_1360.jpg`` in a folder ``jpg``, 80 of each flower in the order below;
one folder a flower does as well. Photos are cropped to their middle.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from sightkit import _cli, io
from sightkit.preprocessing import AspectAwarePreprocessor, Pipeline

FLOWERS = tuple(
    "daffodil snowdrop lilyvalley bluebell crocus iris tigerlily tulip fritillary sunflower daisy "
    "coltsfoot dandelion cowslip buttercup windflower pansy".split()
)


@dataclass(frozen=True)
class Config(io.BuildConfig, io.LinkFlags):
    """The 17 flowers of Oxford."""

    published: ClassVar[str] = "flowers17"
    test_data: ClassVar[str] = "flowers17"

    data: Path = Path("datasets/flowers17")
    output: Path = Path("datasets/flowers17.h5")


def main(config: Config) -> dict[str, Any]:
    with config.folder() as folder:
        chain = Pipeline((AspectAwarePreprocessor(config.width, config.height),))
        published = any(folder.glob("**/jpg/image_0001.jpg"))
        source = io.FolderDataset(
            folder,
            "numbers" if published else "folders",
            classes=FLOWERS,
            per_class=80,
            follow_links=config.follow_links,
        )
        return config.build(source, chain, classes=FLOWERS)


if __name__ == "__main__":
    _cli.run(main, Config)
