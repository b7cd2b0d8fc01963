"""CIFAR-10 from wherever it is: a folder, else the archive that Keras keeps or downloads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightkit.io.sources.archives import unpacked
from sightkit.io.sources.cifar10 import FOLDER, Cifar10, keras_cifar10
from sightkit.io.sources.image_source import ImageSource


@dataclass(frozen=True)
class FetchedCifar10:
    """CIFAR-10 as an experiment asks for it; nothing is looked for before it is called.

    Known by the published files alone: a dataset file that ``scripts/build_cifar10.py`` built is
    the same one.

    Args:
        folder: looked at first; holds the python version of the data set. Where it does not
            exist, Keras' archive is unpacked beside it, read, and what was unpacked is removed.

    Raises:
        SightkitError: when it is called: files that are not the published ones, or neither files
            nor a network; the message says what belongs where.
    """

    folder: Path = Path("datasets") / FOLDER

    def __call__(self) -> ImageSource:
        """The images: uint8 (32, 32, 3), RGB; labels as published, airplane to truck."""
        found = self.folder if self.folder.exists() else keras_cifar10()
        with unpacked(found, beside=self.folder) as folder:
            return Cifar10(folder)()

    def to_config(self) -> dict[str, Any]:
        """What the data set is, as JSON."""
        return Cifar10(self.folder).to_config()
