"""The flags that name a network and photos, and what they open. No Keras until then."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from sightkit import evaluation, io, training, transfer, zoo
from sightkit._errors import SightkitError
from sightkit.preprocessing import (
    AspectAwarePreprocessor,
    ColourPreprocessor,
    ImageToArrayPreprocessor,
    Pipeline,
)

Show = Literal["filters", "activations", "patches", "maximize"]
"""Sheets of scripts/explain/look_inside.py."""
WORDNET = re.compile(r"n\d{8}(?=_|$)")
"""Of a class of ImageNet, at the beginning of a photo's or a folder's name."""
SAMPLE = 32
"""Pixels: side of the made-up network's pictures."""


@dataclass(frozen=True)
class NetworkFlags(io.LinkFlags):
    """The flags of a script that looks into a trained network."""

    images: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()
    """Image files, or folders of them."""
    bundle: Path | None = field(default=None, kw_only=True)
    """Folder of a trained network: RUN/bundle; or give --model."""
    model: str | None = field(default=None, kw_only=True)
    """Network trained on ImageNet, mobilenet_0.75 for example; or give --bundle."""
    smoke: bool = field(default=False, kw_only=True)
    """Take a small network with random weights, to check that everything works."""

    def check_images(self) -> None:
        """Raise unless photos are named, or it is a smoke run."""
        if not self.images and not self.smoke:
            raise SightkitError("Name at least one image file or folder.", "For example photo.jpg.")

    def check_network(self) -> None:
        """Raise unless one network is named; its bundle is checked."""
        if self.smoke and self.bundle is None and self.model is None:
            return
        if (self.bundle is None) == (self.model is None):
            raise SightkitError(
                "Name one network.",
                "Give --bundle RUN/bundle, or --model mobilenet_0.75.",
                bundle=self.bundle and str(self.bundle),
                model=self.model,
            )
        if self.bundle is not None:
            training.check_bundle(self.bundle)
        else:
            transfer.source_of(str(self.model))

    def classifier(self) -> Any:
        """Return the network with its preprocessing and class names."""
        if self.bundle is not None:
            return transfer.load(self.bundle)
        return transfer.pretrained(self.model) if self.model is not None else _made_up()

    def photos(self) -> evaluation.PhotoFolder:
        """Return the photos that are named; scikit-learn's where none are, in a smoke run."""
        if self.images or not self.smoke:
            return evaluation.PhotoFolder(self.images, follow_links=self.follow_links)
        with tempfile.TemporaryDirectory() as scratch:
            io.write_sample_photos(scratch)
            return evaluation.PhotoFolder([scratch])  # read at once: they are 24


def labels_of(classifier: Any, photos: Sequence[str]) -> Iterator[int | None]:
    """Yield the class of each photo by its path; None where it does not tell.

    Either the photo's folder is called as a class, or its name, or its folder's, begins with the
    WordNet identifier of one of ImageNet's: ``n01440764_tench.JPEG``.
    """
    names = classifier.class_names
    identifiers = list(classifier.description.get("wordnet_ids", ()))
    for photo in map(Path, photos):
        found = [match[0] for part in (photo.name, photo.parent.name)
                 if (match := WORDNET.match(part))]  # fmt: skip
        if photo.parent.name in names:
            yield names.index(photo.parent.name)
        elif found and found[0] in identifiers:
            yield identifiers.index(found[0])
        else:
            yield None


def _made_up() -> training.Bundle:
    network = zoo.build("minivggnet", input_shape=(SAMPLE, SAMPLE, 3), classes=2)
    chain = Pipeline(
        (ColourPreprocessor(), AspectAwarePreprocessor(SAMPLE, SAMPLE), ImageToArrayPreprocessor())
    )
    return training.Bundle.of(network, chain, ("china", "flower"))
