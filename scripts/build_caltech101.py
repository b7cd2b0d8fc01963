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
from typing import Any, ClassVar

from sightkit import _cli, io
from sightkit.preprocessing import AspectAwarePreprocessor, Pipeline

OTHER = "BACKGROUND_Google"
CLASSES = tuple(
    "Faces Faces_easy Leopards Motorbikes accordion airplanes anchor ant barrel bass beaver "
    "binocular bonsai brain brontosaurus buddha butterfly camera cannon car_side ceiling_fan "
    "cellphone chair chandelier cougar_body cougar_face crab crayfish crocodile crocodile_head "
    "cup dalmatian dollar_bill dolphin dragonfly electric_guitar elephant emu euphonium ewer "
    "ferry flamingo flamingo_head garfield gerenuk gramophone grand_piano hawksbill headphone "
    "hedgehog helicopter ibis inline_skate joshua_tree kangaroo ketch lamp laptop llama lobster "
    "lotus mandolin mayfly menorah metronome minaret nautilus octopus okapi pagoda panda pigeon "
    "pizza platypus pyramid revolver rhino rooster saxophone schooner scissors scorpion "
    "sea_horse snoopy soccer_ball stapler starfish stegosaurus stop_sign strawberry sunflower "
    "tick trilobite umbrella watch water_lilly wheelchair wild_cat windsor_chair wrench "
    "yin_yang".split()
)


@dataclass(frozen=True)
class Config(io.BuildConfig, io.LinkFlags):
    """The 101 classes of Caltech."""

    published: ClassVar[str] = "caltech101"

    data: Path = Path("datasets/101_ObjectCategories")
    output: Path = Path("datasets/caltech101.h5")
    size: tuple[int, ...] = (256, 256)
    background: bool = False
    """Take BACKGROUND_Google, pictures of none of the classes, as the 102nd class."""


def main(config: Config) -> dict[str, Any]:
    with config.folder() as folder:
        chain = Pipeline((AspectAwarePreprocessor(config.width, config.height),))
        left_out = () if config.background or not any(folder.glob(f"**/{OTHER}")) else (OTHER,)
        classes = (*CLASSES, OTHER) if config.background else CLASSES
        links = config.follow_links
        source = io.FolderDataset(folder, exclude=left_out, classes=classes, follow_links=links)
        return config.build(source, chain, classes=classes)


if __name__ == "__main__":
    _cli.run(main, Config)
