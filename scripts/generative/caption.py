"""Describe photos in a sentence each, by a trained captioner.

sightkit generative/caption --bundle runs/captioner/default/bundle PHOTOS --output captions.json
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from sightkit import _cli, _files, evaluation, io, training
from sightkit._errors import SightkitError, visible
from sightkit.apps import generative


@dataclass(frozen=True)
class Config(io.LinkFlags):
    """Describe photos."""

    images: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()
    """Image files, or folders of them."""
    bundle: Path = Path("runs/captioner/default/bundle")
    """Folder of the captioner."""
    beams: int | None = None
    """Sentences that are followed at once; the bundle's own by default, 1 is greedy."""
    output: Path | None = None
    """File for the sentences (.json)."""
    overwrite: bool = False
    """Replace an existing file that --output names."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        if not self.images:
            raise SightkitError("Name at least one image file or folder.", "For example photo.jpg.")
        if self.beams is not None:
            generative.require_beams(self.beams)
        if self.output is not None:
            evaluation.require_file(self.output, (".json",), overwrite=self.overwrite)


def main(config: Config) -> dict[str, Any]:
    training.check_bundle(config.bundle, ("captioner",))
    photos = evaluation.PhotoFolder(config.images, follow_links=config.follow_links)
    _cli.start_keras()
    captioner = generative.load_captioner(config.bundle)
    found: dict[str, str] = {}
    for part in photos:
        sentences = captioner.predict(list(part.values()), beams=config.beams)
        found |= dict(zip(part, sentences, strict=True))
        for path in part:
            print(f"{visible(path)}: {visible(found[path])}")
    if config.output is not None:
        _files.write_json(config.output, found)
    photos.require_all()
    return found


if __name__ == "__main__":
    _cli.run(main, Config)
