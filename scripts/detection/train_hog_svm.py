"""Train HOG and a linear SVM to find your objects, with hard-negative mining.

    sightkit detection/train_hog_svm --objects FACES --backgrounds FLOWERS ANIMALS --output hog_face
    sightkit detection/detect --method hog --bundle hog_face photo.jpg

FACES holds pictures of the object alone, cut alike; they become grey, 64 by 64 pixels by default.
Backgrounds are pictures of anything without it: what the detector takes there for the object is
learned in the next round, until a round finds nothing new. A fifth of both is held back.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightkit import _cli, training
from sightkit._errors import SightkitError, require_at_least


@dataclass(frozen=True)
class Config:
    """Train a detector by HOG and SVM."""

    objects: tuple[Path, ...] = ()
    """Pictures of the object, or folders of them."""
    backgrounds: tuple[Path, ...] = ()
    """Pictures without it, or folders of them; 5 at least."""
    class_name: str = "face"
    """What the object is called."""
    window: tuple[int, int] = (64, 64)
    """Height and width of what is searched for, pixels, multiples of 8; the least size found."""
    rounds: int = 10
    """Rounds of mining, at most."""
    seed: int = 0
    """Seed of the division, of random windows and of the SVM."""
    output: Path = Path("hog_bundle")
    """Folder of the bundle."""
    overwrite: bool = False
    """Replace the bundle in the output folder."""
    smoke: bool = False
    """Take scikit-learn's digits and photographs, and one round."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        require_at_least(self, rounds=0)
        if any(side % 8 or not 16 <= side <= 1024 for side in self.window):
            raise SightkitError(
                "--window must be multiples of 8 from 16 to 1024.",
                "Give --window 64 64.", window=self.window,
            )  # fmt: skip
        if not 1 <= len(self.class_name) <= 100:
            raise SightkitError(
                "--class-name must have 1 to 100 characters.",
                "Give --class-name face.", class_name=self.class_name,
            )  # fmt: skip
        if not self.smoke and not (self.objects and self.backgrounds):
            raise SightkitError(
                "Name pictures of the object and pictures without it.",
                "Give --objects FACES --backgrounds PHOTOS.",
            )
        training.check_place(self.output)
        if self.output.exists() and not (self.overwrite or self.smoke):
            raise SightkitError(
                "There is a bundle at --output already.",
                "Give --overwrite to replace it, or another folder.", output=str(self.output),
            )  # fmt: skip


def main(config: Config) -> dict[str, Any]:
    from sightkit.apps import detection

    rounds = config.rounds
    if config.smoke:
        objects, backgrounds = detection.sample_windows()
        rounds = 1
    else:
        objects = detection.read_grey(config.objects, config.window)
        backgrounds = detection.read_grey(config.backgrounds)
    found = detection.train_hog_bundle(
        config.output, objects, backgrounds, config.class_name, rounds=rounds, seed=config.seed
    )
    for number, each in enumerate(found["rounds"], start=1):
        print("round {}: {false_positives:,} wrong windows, {new:,} new".format(number, **each))
    for name in ("before", "after"):
        line = (
            "precision {precision:.3f}, recall {recall:.3f} on {objects} and {others:,} windows; "
            "{wrong_detections:,} wrong detections in {backgrounds} pictures"
        )
        print(f"{name} mining: {line.format(**found[name])}")
    print(config.output)
    return found


if __name__ == "__main__":
    _cli.run(main, Config)
