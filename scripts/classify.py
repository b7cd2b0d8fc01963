"""Classify photos by a network trained on ImageNet's 1,000 classes.

    python scripts/classify.py --model mobilenet_0.75 beagle.jpg

The network brings its own preprocessing. Its weights are found in KERAS_HOME (~/.keras/models), or
downloaded there by Keras (SqueezeNet's must be there).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from sightkit import _cli, _files, evaluation, io, transfer
from sightkit._errors import SightkitError, require_at_least


@dataclass(frozen=True)
class Config(io.LinkFlags):
    """Print the most probable ImageNet classes of image files."""

    images: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Image files (JPEG, PNG, WebP, BMP, TIFF, GIF, …), or folders of them."""
    model: Annotated[
        str, tyro.conf.arg(metavar="NAME", help=f"The network: {', '.join(transfer.names())}.")
    ] = "mobilenet_0.75"
    top: int = 5
    """Number of classes shown for a picture."""
    output: Path | None = None
    """File to write the answers to as well: FILE.json or FILE.csv."""
    overwrite: bool = False
    """Replace an existing file."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        require_at_least(self, top=1)
        if not self.images:
            raise SightkitError("Name at least one image file or folder.", "For example photo.jpg.")
        transfer.source_of(self.model)
        if self.output is not None:
            evaluation.require_file(self.output, (".json", ".csv"), overwrite=self.overwrite)


def main(config: Config) -> dict[str, Any]:
    # Bad files are reported before the network is loaded.
    photos = evaluation.PhotoFolder(config.images, follow_links=config.follow_links)
    bundle = transfer.pretrained(
        config.model, images=len(photos.files), cache=_files.user_cache("compiled")
    )
    return evaluation.predict_photos(
        bundle, photos, top=config.top, output=config.output, overwrite=config.overwrite
    )


if __name__ == "__main__":
    _cli.run(main, Config)
