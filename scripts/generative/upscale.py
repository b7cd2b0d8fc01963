"""Enlarge photos by a network that train_super_resolution has trained.

    sightkit generative/upscale --bundle runs/super_resolution/x2/bundle PHOTO.jpg --output large
    sightkit generative/upscale --bundle RUN/bundle FOLDER

Writes NAME_x2.png for each photo, of any size, tile by tile. A network of luma sharpens that,
and chroma is enlarged bicubically. Alpha is composited on white, as wherever images are read.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from sightkit import _cli, _files, evaluation, io, zoo
from sightkit._errors import SightkitError
from sightkit.apps import generative

SMOKE_PHOTOS = 2


@dataclass(frozen=True)
class Config(io.LinkFlags):
    """Enlarge photos."""

    images: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()
    """Image files, or folders of them."""
    bundle: Path | None = None
    """Folder of the network: RUN/bundle."""
    factor: int | None = None
    """Sides of an enlarged photo by those of the photo; what the network was trained for."""
    output: Path = Path("upscaled")
    """Folder to write into."""
    overwrite: bool = False
    """Replace the folder of earlier results."""
    smoke: bool = False
    """Enlarge a sample photo by an untrained network, which is bicubic."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        if not self.images and not self.smoke:
            raise SightkitError("Name at least one image file or folder.", "For example photo.jpg.")
        if self.bundle is None and not self.smoke:
            raise SightkitError("A network enlarges the photos.", "Give --bundle RUN/bundle.")


def main(config: Config) -> dict[str, str]:
    generative.require_new_pictures(config.output, overwrite=config.overwrite or config.smoke)
    if config.bundle is not None:
        generative.check_upscaler(config.bundle, config.factor)
    with tempfile.TemporaryDirectory() as scratch:
        if not config.images:
            io.write_sample_photos(scratch)
        given = config.images or sorted(Path(scratch).rglob("*.png"))[:SMOKE_PHOTOS]
        photos = evaluation.PhotoFolder(given, follow_links=config.follow_links)
        _cli.start_keras()
        if config.bundle is None:
            network = zoo.build("subpixel_x2", input_shape=(30, 30, 1))
            upscaler = generative.upscaler_of(network, 2)
        else:
            cache = _files.user_cache("compiled")
            upscaler = generative.load_upscaler(config.bundle, cache=cache)
        return generative.upscale_photos(upscaler, photos, config.output)


if __name__ == "__main__":
    _cli.run(main, Config)
