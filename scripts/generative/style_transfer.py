"""Style transfer: a photo, painted like another picture.

    sightkit generative/style_transfer photo.jpg --style starry_night.jpg
    sightkit generative/style_transfer photo.jpg --style a.jpg=0.7 b.jpg=0.3 --preserve-colour
    sightkit generative/style_transfer photo.jpg --style a.jpg --size 800 --progress 20

It begins with the photo at a quarter of its size, and paints from coarse to fine. style.json holds
the loss of each evaluation. --style-weight says how far it goes.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sightkit import _cli, evaluation
from sightkit._errors import SightkitError, require_at_least
from sightkit.apps import generative
from sightkit.apps.generative import PictureFlags

NETWORK = "vgg16"


@dataclass(frozen=True)
class Config(PictureFlags):
    """Paint a picture."""

    output: Path = Path("style.jpg")
    """Picture to write (.jpg, .png)."""
    size: int | None = 400
    """Longer side of the result, pixels."""
    style: tuple[str, ...] = ()
    """Pictures of the style, each with its weight: FILE=WEIGHT."""
    style_scale: float = 1.0
    """Longer side of the styles, a share of the result's: less paints with finer strokes."""
    content_layers: tuple[str, ...] = ()
    """Layers that hold the content; by default one chosen by the size of its maps."""
    style_layers: tuple[str, ...] = ()
    """Layers that hold the style; by default the first of each size of maps."""
    content_weight: float = 1.0
    """Weight of the content's loss."""
    style_weight: float = 10.0
    """Weight of the style's loss."""
    variation_weight: float = 0.01
    """Weight of the total variation: more is smoother."""
    preserve_colour: bool = False
    """Keep the photo's colours: the style's lightness alone is taken over."""
    pooling: Literal["max", "average"] = "max"
    """Pooling of the network: average is softer."""
    optimizer: Literal["lbfgs", "adam"] = "lbfgs"
    """Search: L-BFGS gets further by each evaluation."""
    scales: int = 3
    """Sizes, each half of the next; 1 begins at full size."""
    evaluations: int = 130
    """Evaluations of the loss at each size."""
    rate: float = 4.0
    """Grey levels of Adam's steps."""
    progress: int = 0
    """Evaluations from one progress picture to the next; 0: none."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        if not self.style and not self.smoke:
            raise SightkitError("Name a picture of the style.", "For example --style=painting.jpg.")
        require_at_least(self, scales=1, evaluations=1, progress=0)
        require_at_least(self, content_weight=0, style_weight=0, variation_weight=0)
        if not (self.style_scale > 0 and self.rate > 0):
            raise SightkitError(
                "--style-scale and --rate must be more than 0.",
                style_scale=self.style_scale,
                rate=self.rate,
            )
        generative.read_weights(self.style)
        self.check(self.output)
        counts = range(self.progress, self.evaluations + 1, self.progress) if self.progress else ()
        for scale, count in itertools.product(range(self.scales), counts):
            path = generative.progress_path(self.output, scale, count)
            evaluation.require_file(path, overwrite=self.overwrite)


def main(config: Config) -> dict[str, Any]:
    content = config.read()
    styles = [(content[::-1], 1.0)]
    if config.style:
        weights = generative.read_weights(config.style)
        styles = generative.read_styles(weights, content, config.style_scale)
    _cli.start_keras()
    loss = generative.open_style(
        config.network(NETWORK), config.content_layers, config.style_layers,
        weights=generative.StyleWeights(
            config.content_weight, config.style_weight, config.variation_weight
        ),
        pooling=config.pooling,
    )  # fmt: skip
    evaluations = 3 if config.smoke else config.evaluations
    found = generative.paint_picture(
        loss, content, styles,
        generative.PaintSettings(config.optimizer, config.scales, evaluations, config.rate),
        config.output, preserve_colour=config.preserve_colour, progress=config.progress,
    )  # fmt: skip
    print(config.output)
    return found


if __name__ == "__main__":
    _cli.run(main, Config)
