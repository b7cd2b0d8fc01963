"""Draw a sheet of augmentations of one image: each variation alone, then all at once.

    python scripts/augmentation_demo.py photo.jpg --output augmentation.png
    python scripts/augmentation_demo.py photo.jpg --script train_minivggnet_flowers17

Without an image it takes a sample photo of scikit-learn's. Needs no network; takes seconds. The
strengths are those of sightkit.preprocessing.Augment, or with ``--script`` those that the script
trains with: look at the last row before you train, and ask whether you would still name the class.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro

from sightkit import _cli, _files, evaluation, io
from sightkit._errors import SightkitError, require_at_least
from sightkit.experiments import scripts
from sightkit.preprocessing import (
    AspectAwarePreprocessor,
    Augment,
    RandomPipeline,
    RandomPreprocessor,
)

STRENGTHS = ("rotation", "translation", "shear", "zoom", "brightness", "contrast")
SIDE, NAMES = 256, 190
"""Pixels: of the image, as of stored photos; of the names beside the rows."""


@dataclass(frozen=True)
class Config:
    """Draw augmentations of an image, the first of each row as it is."""

    image: Annotated[Path | None, tyro.conf.Positional] = None
    """Image file; a sample photo by default."""
    script: str = ""
    """Script whose own variation is drawn, train for example, or the path of
    yours; in place of the strengths below."""
    flags: str = ""
    """Flags of the script, in quotes, as a shell reads them."""
    output: Path = Path("augmentation.png")
    """Picture to write."""
    overwrite: bool = False
    """Replace an existing file that --output names."""
    rotation: float = 20.0
    """Largest angle, in degrees."""
    translation: tuple[float, ...] = (0.15,)
    """Largest shift, shares of height and width; one number for both."""
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
        require_at_least(self, columns=1)
        if self.columns > 100:
            raise SightkitError("A row has at most 100 pictures.", columns=self.columns)
        fields = type(self).__dataclass_fields__
        own = self.output == fields["output"].default
        evaluation.require_file(self.output, overwrite=self.overwrite or own)
        given = [
            name for name in (*STRENGTHS, "border") if vars(self)[name] != fields[name].default
        ]
        if self.script and given:
            raise SightkitError(
                "--script draws the variation that the script trains with.",
                "Leave the strengths out, or --script.",
                **{name: vars(self)[name] for name in given},
            )

    def variations(self) -> dict[str, RandomPreprocessor]:
        """Return each variation alone, then all at once, by name."""
        if self.script:
            script = scripts.load_experiment(self.script)
            everything = scripts.parse_flags(script, self.flags).augmentation(SIDE, SIDE)
            if everything is None:
                raise SightkitError(
                    "The script varies no training image.",
                    "Name one whose Config has an augmentation.",
                    script=self.script,
                )
            name = f"all of\n{Path(self.script).stem}"
        else:
            strengths = {name: getattr(self, name) for name in STRENGTHS}
            if len(self.translation) == 1:
                (strengths["translation"],) = self.translation
            everything = Augment(**strengths, horizontal_flip=True, border=self.border)
            name = "all, flip left-right"
        alone = {}
        for step in everything.steps if isinstance(everything, RandomPipeline) else (everything,):
            if not isinstance(step, Augment):
                alone[type(step).__name__] = step
                continue
            flips = {each: getattr(step, each) for each in ("horizontal_flip", "vertical_flip")}
            if any(flips.values()):
                alone["flips"] = Augment(**flips)
            for each in STRENGTHS:
                strength = getattr(step, each)
                values = np.ravel(strength).tolist()
                if any(values):
                    own: dict[str, Any] = {each: strength, "border": step.border}
                    alone[" ".join([each, *(f"{value:g}" for value in values)])] = Augment(**own)
        return {**alone, name: everything}


def main(config: Config) -> dict[str, Any]:
    from matplotlib.figure import Figure
    from sklearn.datasets import load_sample_image

    columns = 2 if config.smoke else config.columns
    rows = config.variations()
    # The sample's straight lines show a turn, a flower's do not.
    given = io.read_image(config.image) if config.image else load_sample_image("china.jpg")
    image = AspectAwarePreprocessor(SIDE, SIDE)(given)
    pictures = []
    for augment in rows.values():
        varied = (augment(image, io.sample_rng(config.seed, 0, k)) for k in range(columns))
        pictures += [image, *varied]
    sheet = evaluation.montage(pictures, columns + 1, side=SIDE // 2)
    height, width = sheet.shape[:2]
    figure = Figure(figsize=((width + NAMES) / 100, height / 100), dpi=100)
    axes = figure.add_axes((NAMES / (width + NAMES), 0, width / (width + NAMES), 1))
    axes.imshow(sheet, aspect="auto", extent=(0, width, height, 0))
    axes.set_axis_off()
    for index, name in enumerate(rows):
        middle = (index + 0.5) * height / len(rows)
        axes.text(-8, middle, name, ha="right", va="center", fontsize=9, parse_math=False)
    _files.save_figure(config.output, figure)
    print(config.output)
    return {"output": str(config.output), "rows": list(rows)}


if __name__ == "__main__":
    _cli.run(main, Config)
