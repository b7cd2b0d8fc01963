"""Draw a sheet of augmentations of one image: each variation alone, then all at once.

    python scripts/augmentation_demo.py photo.jpg --output augmentation.png

Without an image it takes a sample photo of scikit-learn's. Needs no network; takes seconds. The
strengths are those of sightkit.preprocessing.Augment: look at the last row before you train with
them, and ask whether you would still name the class.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from sightkit import _cli, _files, io
from sightkit._errors import SightkitError
from sightkit.preprocessing import AspectAwarePreprocessor, Augment


@dataclass(frozen=True)
class Config:
    """Draw augmentations of an image."""

    image: Annotated[Path | None, tyro.conf.Positional] = None
    """Image file; a sample photo by default."""
    output: Path = Path("augmentation.png")
    """Picture to write."""
    rotation: float = 20.0
    """Largest angle, in degrees."""
    translation: float = 0.15
    """Largest shift, a share of width and height."""
    shear: float = 15.0
    """Largest angle of shear, in degrees."""
    zoom: float = 0.25
    """Largest change of size, a share."""
    brightness: float = 0.15
    """Largest change of brightness, a share of 255."""
    contrast: float = 0.4
    """Largest change of contrast, a share."""
    border: str = "reflect"
    """Fill of pixels from outside: replicate, reflect or black."""
    columns: int = 6
    """Number of variations a row."""
    seed: int = 0
    """Seed of the draws: samples 0, 1, … of epoch 0, as in training."""
    smoke: bool = False
    """Draw a small sheet, to check that everything works."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        if self.columns < 1 or self.seed < 0:
            raise SightkitError(
                "--columns must be at least 1 and --seed at least 0.",
                columns=self.columns,
                seed=self.seed,
            )


def main(config: Config) -> dict[str, Any]:
    from matplotlib.figure import Figure
    from sklearn.datasets import load_sample_image

    from sightkit.callbacks.curves import save_figure

    columns = 2 if config.smoke else config.columns
    _files.require_writable(config.output.parent, of=config.output)
    names = ("rotation", "translation", "shear", "zoom", "brightness", "contrast")
    strengths = {name: getattr(config, name) for name in names}
    rows = {"flips": Augment(horizontal_flip=True, vertical_flip=True)}
    for name, strength in strengths.items():
        rows[f"{name} {strength:g}"] = Augment(**{name: strength}, border=config.border)
    everything = Augment(**strengths, horizontal_flip=True, border=config.border)
    rows["all, flip left-right"] = everything

    # The sample's straight lines show a turn, a flower's do not.
    given = io.read_image(config.image) if config.image else load_sample_image("china.jpg")
    image = AspectAwarePreprocessor(192, 144)(given)
    figure = Figure(figsize=(1.95 * (columns + 1), 1.62 * len(rows)), dpi=100)
    bare = {"xticks": [], "yticks": []}
    axes = figure.subplots(len(rows), columns + 1, squeeze=False, subplot_kw=bare)
    for line, (name, augment) in zip(axes, rows.items(), strict=True):
        line[0].imshow(image)
        line[0].set_ylabel(name, fontsize=9)
        for column, ax in enumerate(line[1:]):
            ax.imshow(augment(image, io.sample_rng(config.seed, 0, column)))
    axes[0, 0].set_title("as it is", fontsize=9, pad=3)
    figure.tight_layout(pad=0.4)
    save_figure(figure, config.output)
    print(config.output)
    return {"output": str(config.output), "rows": list(rows)}


if __name__ == "__main__":
    _cli.run(main, Config)
