"""Your own photos, in folders, as one dataset file.

    python scripts/build_folder.py --data PHOTOS --output photos.h5
    python scripts/build_folder.py --data PHOTOS.zip --output photos.h5 --size 128 --fit stretch

Expected is one folder a class (``PHOTOS/cats/1.jpg``), the label in the name (``cat.1.jpg``, with
``--layout names``), parts that stay as they are (``train/cats/1.jpg``, ``test/cats/2.jpg``, with
``--layout splits``), class folders in any nesting (``--layout deep``), the layout of Tiny ImageNet,
or a table of labels (``--labels labels.csv``), with splits of its own where ``--columns ID LABEL
SPLIT`` names them. What is left out is listed beside the dataset with the reason; images that are
(hidden, behind a link, in no class) count against ``--max-bad``, unless ``--exclude`` names their
class or folder, or fits them (``"*_old*"``). Copies of a picture stay in one split.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from sightkit import _cli, io
from sightkit.preprocessing import (
    AspectAwarePreprocessor,
    GrayscalePreprocessor,
    Pipeline,
    SimplePreprocessor,
)


@dataclass(frozen=True)
class Config(io.BuildConfig, io.FolderFlags):
    """Your own photos."""

    test_data: ClassVar[str] = "animals"

    data: Path = Path("datasets/photos")
    output: Path = Path("datasets/photos.h5")
    fractions: tuple[float | str, ...] = (0.70, 0.15, 0.15)
    fit: Literal["crop", "stretch"] = "crop"
    """Keep the middle of an image, or all of it and not its shape."""
    grey: bool = False
    """Make grey images of one channel."""


def main(config: Config) -> dict[str, Any]:
    fit = AspectAwarePreprocessor if config.fit == "crop" else SimplePreprocessor
    colour = (GrayscalePreprocessor(),) if config.grey else ()
    with config.folder() as folder:
        source = io.FolderDataset(folder, **config.options)
        return config.build(source, Pipeline((*colour, fit(config.width, config.height))))


if __name__ == "__main__":
    _cli.run(main, Config)
