"""Paint photos by a network that train_fast_style has trained, each in about a second.

    sightkit generative/fast_style PHOTO.jpg --bundle runs/fast_style/default/bundle
    sightkit generative/fast_style FOLDER --bundle RUN/bundle --size 1200 --output painted

Writes NAME.png for each photo. Strokes have the size, in pixels, that the network was trained for:
a larger --size has more of them.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from sightkit import _cli, _output_folder, evaluation, io, training
from sightkit._errors import SightkitError, require_at_least, visible
from sightkit.apps import generative

NAME, KIND = "painted.json", "sightkit-painted"


@dataclass(frozen=True)
class Config(io.LinkFlags):
    """Paint photos."""

    images: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()
    """Image files, or folders of them."""
    bundle: Path = Path("runs/fast_style/default/bundle")
    """Folder of the network."""
    size: int = 800
    """Longer side of a painting, pixels, at most; smaller photos keep their size."""
    output: Path = Path("painted")
    """Folder for the paintings, new or empty."""
    overwrite: bool = False
    """Replace what a former call wrote there."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        if not self.images:
            raise SightkitError("Name at least one image file or folder.", "For example photo.jpg.")
        require_at_least(self, size=1)
        _output_folder.require_new(self.output, NAME, KIND, overwrite=self.overwrite)


def main(config: Config) -> dict[str, Any]:
    training.check_bundle(config.bundle, ("fast_style",))
    photos = evaluation.PhotoFolder(config.images, follow_links=config.follow_links)
    _cli.start_keras()
    network, names = (
        generative.load_fast_style(config.bundle),
        evaluation.output_names(photos.files),
    )
    with _output_folder.writing(config.output, NAME, KIND) as (folder, result):
        result["photos"] = {}
        for part in photos:
            for path, photo in part.items():
                begin = time.perf_counter()
                (painted,) = network.predict([generative.at_most(photo, config.size)])
                place = folder / f"{names[Path(path)]}.png"
                place.parent.mkdir(parents=True, exist_ok=True)
                io.write_png(place, painted)
                result["photos"][path] = str(place.relative_to(folder))
                size = f"{painted.shape[1]}x{painted.shape[0]}"
                print(visible(f"{path}: {size} in {time.perf_counter() - begin:.2f} s"))
    print(config.output)
    photos.require_all()
    return result


if __name__ == "__main__":
    _cli.run(main, Config)
