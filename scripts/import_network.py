"""Make a bundle of your own Keras network: a .keras file, or an .h5 of a whole model.

    sightkit import_network --network mine.keras --class-names PHOTOS --data PHOTOS --output mine
    sightkit import_network --network mine.h5 --class-names cat,dog --pixels 0-1 --output mine
    sightkit predict --bundle mine PHOTO.jpg

The file is read as a description and arrays, and nothing in it is executed: layers of keras.layers
are taken, Lambda and custom layers refused by name. A bundle works wherever one of sightkit's own
does: predict, evaluate, extract_features. With ``--data``, photos with their classes that it was
not trained on, the ways of scaling pixels are tried, and the one that suits is taken. A network
that ends in logits gets a softmax, one that ends in a single sigmoid the other class.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sightkit import _cli, io, training, transfer
from sightkit._errors import SightkitError, few


@dataclass(frozen=True)
class Config(io.SizeFlags, io.LinkFlags):
    """Make a bundle of a Keras network."""

    network: Path = Path()
    """File that model.save wrote: .keras, or .h5."""
    class_names: str = ""
    """Names in the order of the outputs: cat,dog; a file with one a line, or JSON; or the folder of
    class folders that it was trained on."""
    pixels: Literal["auto", "0-1", "-1-1", "imagenet", "0-255", "caffe"] = "auto"
    """Range of pixels; auto: 0-255 where the network scales them itself, else tried on --data."""
    size: tuple[int, ...] = ()
    """Height and width of the images, where the network takes any; one number for both."""
    crop: bool = False
    """Cut out the middle of a photo, in place of distorting it to the network's shape."""
    data: Path | None = None
    """Labelled photos for a check and for the canary: folder of class folders, or dataset file."""
    exclude: tuple[str, ...] = ()
    """Class folders of the photos that are left out; or patterns, also of files."""
    output: Path = Path("runs/imported/bundle")
    """Folder of the bundle."""
    overwrite: bool = False
    """Replace an existing bundle."""
    smoke: bool = False
    """Import a network that was made in a second; the result means nothing."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        super().__post_init__()
        if self.smoke:
            return
        for name in ("network", "class_names"):
            if getattr(self, name) in (Path(), ""):
                flag = name.replace("_", "-")
                raise SightkitError(f"Give --{flag}.", "See --help for an example.")
        if os.path.lexists(self.output) and not self.overwrite:
            raise SightkitError(
                "An existing folder is not replaced.",
                "Give --overwrite, or another --output.",
                output=str(self.output),
            )
        training.check_place(self.output)


def main(config: Config) -> dict[str, Any]:
    names = ("a", "b") if config.smoke else transfer.read_class_names(config.class_names)
    _cli.start_keras()
    with tempfile.TemporaryDirectory() as scratch:
        trials = transfer.import_network(
            _sample(Path(scratch)) if config.smoke else config.network,
            config.output,
            names,
            pixels=None if config.pixels == "auto" else config.pixels,
            size=config.size,
            crop=config.crop,
            data=config.data,
            exclude=config.exclude,
            follow_links=config.follow_links,
        )
    print(f"{len(names)} classes: {few(names)}")
    print(config.output)
    return {"classes": len(names), "rank1": trials[0].rank1 if trials else None}


def _sample(folder: Path) -> Path:
    import keras

    layers = [keras.layers.Rescaling(1 / 255), keras.layers.Flatten(), keras.layers.Dense(1)]
    keras.Sequential([keras.Input((8, 8, 3)), *layers]).save(folder / "sample.keras")
    return folder / "sample.keras"


if __name__ == "__main__":
    _cli.run(main, Config)
