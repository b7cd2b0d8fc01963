"""Deep dream: what a network sees in a picture, drawn into it.

    sightkit generative/deep_dream photo.jpg --output dream.jpg
    sightkit generative/deep_dream photo.jpg --layers conv_pw_8_relu=1 conv_pw_11_relu=0.5
    sightkit generative/deep_dream photo.jpg --guide flowers.jpg --output guided.jpg
    sightkit generative/deep_dream photo.jpg --zoom 40 --output flight.gif

Early layers draw strokes and eyes, late ones animals and buildings; scripts/inspect_model.py lists
the layers of a network. dream.json holds the loss of each step. Large pictures are dreamt in tiles,
in the memory of one. With --zoom frames are written, to one GIF or as dream.jpg, dream-001.jpg and
so on.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightkit import _cli, evaluation
from sightkit._errors import SightkitError, require_at_least
from sightkit.apps import generative
from sightkit.apps.generative import PictureFlags

NETWORK = "mobilenet_1.0"
SMOKE = {"octaves": 2, "steps": 2}


@dataclass(frozen=True)
class Config(PictureFlags):
    """Dream of a picture."""

    output: Path = Path("dream.jpg")
    """Picture to write (.jpg, .png), or with --zoom a .gif."""
    layers: tuple[str, ...] = ()
    """Layers with their weights, NAME=WEIGHT; by default one two thirds deep."""
    guide: Path | None = None
    """Picture that the dream is led to."""
    octaves: int = 3
    """Sizes, from coarse to fine."""
    octave_scale: float = 1.4
    """Factor from one size to the next."""
    steps: int = 20
    """Steps an octave."""
    rate: float = 1.5
    """Grey levels that a pixel moves in a step, in the mean."""
    jitter: int = 32
    """Pixels that the picture is shifted by at random, at most."""
    smoothing: float = 1.5
    """Blur of the gradient, pixels; 0: none."""
    tile: int = 512
    """Side in pixels of what the network sees at once: bounds the memory."""
    zoom: int = 1
    """Frames of a flight into the dream."""
    seed: int = 0
    """Seed of the shifts."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        require_at_least(self, octaves=1, steps=1, jitter=0, smoothing=0, tile=64, zoom=1)
        if not (self.octave_scale > 1 and self.rate > 0):
            raise SightkitError(
                "--octave-scale must be more than 1, --rate more than 0.",
                octave_scale=self.octave_scale,
                rate=self.rate,
            )
        generative.read_weights(self.layers)
        self.check(self.output, (*generative.STILL, *((".gif",) if self.zoom > 1 else ())))
        for path in generative.frame_paths(self.output, self.zoom):
            evaluation.require_file(path, overwrite=self.overwrite or self.smoke)


def main(config: Config) -> dict[str, Any]:
    picture = config.read()
    guide = None if config.guide is None else config.read(config.guide)
    _cli.start_keras()
    settings = generative.DreamSettings(
        **{name: getattr(config, name) for name in generative.DreamSettings.__dataclass_fields__}
        | (SMOKE if config.smoke else {})
    )
    dreamer = generative.open_dreamer(
        config.network(NETWORK), generative.read_weights(config.layers), guide
    )
    losses = generative.LossRecord(settings)
    frames = generative.zoom(dreamer, picture, settings, config.zoom, report=losses)
    generative.write_frames(config.output, frames, config.zoom)
    print(config.output)
    return generative.write_losses(config.output, losses, layers=dreamer.layers)


if __name__ == "__main__":
    _cli.run(main, Config)
