"""Look inside a network: filters, activations, the patches that excite it, what it dreams of.

    sightkit explain/look_inside --show filters --model mobilenet_0.75
    sightkit explain/look_inside --show patches --layer conv_pw_5_bn PHOTOS --bundle RUN/bundle
    sightkit explain/look_inside --show maximize --target flamingo castle --model mobilenet_0.75

Activations are of one photo. Patches are what a channel's place can see of your photos where it is
highest. Maximize begins with grey, and climbs to the picture that a class, or a channel of --layer,
likes best: about ten seconds each for MobileNet.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightkit import _cli, evaluation
from sightkit._errors import require_at_least
from sightkit.apps import explain
from sightkit.apps.explain import NetworkFlags, Show

PHOTOS = ("activations", "patches")


@dataclass(frozen=True)
class Config(NetworkFlags):
    """Draw what is inside a network."""

    show: Show = "filters"
    """Sheet to draw."""
    layer: str | None = None
    """Layer, by its name or path; by default the first with filters, or the last with maps."""
    channel: tuple[int, ...] = ()
    """Channels of the layer; by default the strongest."""
    target: tuple[str, ...] = ()
    """Classes to maximize, by name or number."""
    steps: int = 300
    """Steps of a maximization."""
    seed: int = 0
    """Seed of its shifts and turns."""
    output: Path = Path("look_inside.png")
    """Picture to write (.png)."""
    overwrite: bool = False
    """Replace an existing file that --output names."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        require_at_least(self, steps=1)
        if self.show in PHOTOS:
            self.check_images()
        own = self.output == type(self).__dataclass_fields__["output"].default
        evaluation.require_file(self.output, (".png",), overwrite=self.overwrite or own)
        self.check_network()


def main(config: Config) -> dict[str, Any]:
    photos = config.photos() if config.show in PHOTOS else ()
    _cli.start_keras()
    tiles, options = explain.look_inside(
        config.classifier(), config.show, photos, layer=config.layer, channels=config.channel,
        targets=config.target, steps=config.steps, seed=config.seed,
    )  # fmt: skip
    explain.draw_tiles(tiles, path=config.output, **options)
    print(config.output)
    if isinstance(photos, evaluation.PhotoFolder):
        photos.require_all()
    return {"tiles": len(tiles)}


if __name__ == "__main__":
    _cli.run(main, Config)
