"""Ask a trained network about image files: the five most probable classes of each.

    python scripts/predict.py --bundle runs/lenet_digits/default/bundle PHOTO.jpg …
    python scripts/predict.py --bundle runs/photos/logistic/bundle FOLDER --output answers.csv

The bundle is a whole network, or networks with a head that scripts/train_logistic.py trained.
It brings its own preprocessing, so that any image file will do. Where OpenVINO is installed (extra
fast) the network is compiled once, in about ten seconds, and saved in ~/.cache/sightkit/compiled,
which may always be deleted; from then on a picture takes half a second. Without it Keras starts,
which takes some seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from sightkit import _cli, _files, evaluation, training, transfer
from sightkit._errors import SightkitError

NONE = "none of these"


@dataclass(frozen=True)
class Config:
    """Print the most probable classes of image files."""

    images: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Image files (JPEG, PNG, WebP, BMP, TIFF, GIF, …), or folders of them."""
    bundle: Path
    """Folder of a trained network, or of networks and a head: RUN/bundle."""
    top: int = 5
    """Classes a picture."""
    threshold: float = 0.0
    """Probability of the best class below which the answer is "none of these"."""
    output: Path | None = None
    """Write the answers here too: FILE.json or FILE.csv."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        if self.top < 1:
            raise SightkitError("--top must be at least 1.", top=self.top)
        if not 0 <= self.threshold <= 1:
            raise SightkitError(
                "--threshold must be a probability, 0 to 1.", threshold=self.threshold
            )
        if not self.images:
            raise SightkitError("Name at least one image file or folder.", "For example photo.jpg.")
        if self.output is not None:
            evaluation.require_file(self.output, (".json", ".csv"))


def main(config: Config) -> dict[str, Any]:
    # What is wrong with bundle and files is reported before the network is loaded.
    description = training.check_bundle(config.bundle)
    if config.threshold and NONE in description["class_names"]:
        raise SightkitError(
            f'With --threshold no class may be called "{NONE}".', bundle=str(config.bundle)
        )
    photos = evaluation.PhotoFolder(config.images)
    bundle = transfer.load(
        config.bundle, images=len(photos.files), cache=_files.user_cache("compiled")
    )
    result = {}
    for part in photos:
        answers = bundle.top(bundle.predict(list(part.values())), config.top)
        answers = [_with_none(answer, config.threshold) for answer in answers]
        found = dict(zip(part, answers, strict=True))
        print(training.format_top(found))
        result |= found
    if config.output is not None:
        evaluation.write_answers(config.output, result)
    photos.require_all()
    return result


def _with_none(answer: dict[str, float], threshold: float) -> dict[str, float | None]:
    """Put "none of these" first where even the best class is less probable than the threshold.

    It has no probability: the network knows none for it.
    """
    return {NONE: None, **answer} if max(answer.values()) < threshold else {**answer}


if __name__ == "__main__":
    _cli.run(main, Config)
