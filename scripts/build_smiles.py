"""SMILEs, faces that smile or do not, 28x28 grey, as one dataset file.

    python scripts/build_smiles.py --data SMILEsmileD.zip

13,165 grey faces of 64x64, 3,690 of them smiling (D. Hromada), from github.com/hromi/SMILEsmileD:
``SMILEs/positives/positives7`` and ``SMILEs/negatives/negatives7``. Nearly three of four do not
smile: ``--class-weights`` of a training script evens this out. A fifth is for the test, as in the
course.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from sightkit import _cli, io
from sightkit.preprocessing import GrayscalePreprocessor, Pipeline, SimplePreprocessor

CLASSES = ("negatives", "positives")


@dataclass(frozen=True)
class Config(io.BuildConfig, io.LinkFlags):
    """Faces, smiling or not."""

    published: ClassVar[str] = "smiles"
    test_data: ClassVar[str] = "smiles"

    data: Path = Path("datasets/SMILEs")
    output: Path = Path("datasets/smiles.h5")
    size: tuple[int, ...] = (28, 28)
    fractions: tuple[float | str, ...] = (0.7, 0.1, 0.2)


def main(config: Config) -> dict[str, Any]:
    with config.folder() as folder:
        chain = Pipeline((GrayscalePreprocessor(), SimplePreprocessor(config.width, config.height)))
        source = io.FolderDataset(folder, classes=CLASSES, follow_links=config.follow_links)
        return config.build(source, chain, classes=CLASSES)


if __name__ == "__main__":
    _cli.run(main, Config)
