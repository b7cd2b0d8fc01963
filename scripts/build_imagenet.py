"""ImageNet (ILSVRC2012), 256x256, as a dataset in shards.

    python scripts/build_imagenet.py --data ILSVRC2012 --lists ILSVRC2012_devkit/data

1,281,167 photos of 1,000 classes to learn from and 50,000 to be evaluated on. ``--data`` is the
folder that holds ``train`` and ``val``, or the two tars, which are read where they are:
``ILSVRC2012_img_train.tar`` (of 1,000 tars) and ``ILSVRC2012_img_val.tar``. Lists that say what the
classes are called and of which class each photo of ``val`` is lie there too, or in ``--lists``:
``LOC_synset_mapping.txt`` and ``LOC_val_solution.csv``, or ``map_clsloc.txt`` and
``ILSVRC2012_validation_ground_truth.txt``. The middle of each photo, short side 256 pixels, is
stored; those of ``val`` are the test split, as in papers; about 50 of each class of ``train`` are
for validation. The shards have 262 GB. A build that was stopped goes on with the same command.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from sightkit import _cli, io
from sightkit._errors import SightkitError, require_at_least
from sightkit.preprocessing import AspectAwarePreprocessor, Pipeline


@dataclass(frozen=True)
class Config(io.BuildConfig, io.LinkFlags):
    """The 1,000 classes of ImageNet, in shards."""

    published: ClassVar[str] = "imagenet"
    sample_layout: ClassVar[io.SampleLayout] = "splits"
    endings: ClassVar[tuple[str, ...]] = (".shards",)

    data: Path = Path("datasets/ILSVRC2012")
    output: Path = Path("datasets/imagenet.shards")
    """List of the shards, which are written beside it."""
    lists: Path | None = None
    """Folder of the lists of classes, if they are not in that of the data."""
    size: tuple[int, ...] = field(default=(256, 256), kw_only=True)
    fractions: tuple[float | str, ...] = (0.924, 0.038, 0.038)
    shards: int = 128
    """Files of the dataset."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        super().__post_init__()
        require_at_least(self, shards=1)
        if self.data.is_file():  # a tar would be unpacked
            raise SightkitError("--data must be the folder of the tars.", data=str(self.data))


def main(config: Config) -> dict[str, Any]:
    with config.folder() as folder:
        chain = Pipeline((AspectAwarePreprocessor(config.width, config.height),))
        source = io.ImageNet(folder, config.lists, follow_links=config.follow_links)
        return config.build(source, chain, shards=2 if config.smoke else config.shards)


if __name__ == "__main__":
    _cli.run(main, Config)
