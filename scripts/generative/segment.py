"""Segment photos by a trained segmenter: a mask and a picture of each.

    sightkit generative/segment --bundle runs/segmentation/default/bundle PHOTOS --output segmented

NAME.mask.png has the class of each pixel as its value (segmented.json lists the classes in this
order), NAME.png their colours over the photo.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from sightkit import _cli, _output_folder, evaluation, io, training
from sightkit._errors import SightkitError
from sightkit.apps import generative

NAME, KIND = "segmented.json", "sightkit-segmented"


@dataclass(frozen=True)
class Config(io.LinkFlags):
    """Segment photos."""

    images: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()
    """Image files, or folders of them."""
    bundle: Path = Path("runs/segmentation/default/bundle")
    """Folder of the segmenter."""
    output: Path = Path("segmented")
    """Folder for masks and pictures, new or empty."""
    overwrite: bool = False
    """Replace what a former call wrote there."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        if not self.images:
            raise SightkitError("Name at least one image file or folder.", "For example photo.jpg.")
        _output_folder.require_new(self.output, NAME, KIND, overwrite=self.overwrite)


def main(config: Config) -> dict[str, Any]:
    training.check_bundle(config.bundle, ("segmenter",))
    photos = evaluation.PhotoFolder(config.images, follow_links=config.follow_links)
    _cli.start_keras()
    segmenter = generative.load_segmenter(config.bundle)
    with _output_folder.writing(config.output, NAME, KIND) as (folder, result):
        result["classes"] = list(segmenter.class_names)
        result["photos"] = generative.segment_photos(segmenter, photos, folder)
    print(config.output)
    photos.require_all()
    return result


if __name__ == "__main__":
    _cli.run(main, Config)
