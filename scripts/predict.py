"""Ask a trained network about image files: the five most probable classes of each.

    python scripts/predict.py --bundle runs/lenet_digits/default/bundle PHOTO.jpg …

The bundle brings its own preprocessing, so that any image file will do. Starting Keras takes some
seconds, a picture milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from sightkit import _cli, evaluation, training
from sightkit._errors import SightkitError


@dataclass(frozen=True)
class Config:
    """Print the most probable classes of image files."""

    images: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Image files (JPEG, PNG, WebP, BMP, TIFF, GIF, …), or folders of them."""
    bundle: Path
    """Folder of a trained network: RUN/bundle."""
    top: int = 5
    """Classes a picture."""
    output: Path | None = None
    """Write the answers here too: FILE.json or FILE.csv."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        if self.top < 1:
            raise SightkitError("--top must be at least 1.", top=self.top)
        if not self.images:
            raise SightkitError("Name at least one image file or folder.", "For example photo.jpg.")
        if self.output is not None:
            evaluation.require_file(self.output, (".json", ".csv"))


def main(config: Config) -> dict[str, Any]:
    # What is wrong with bundle and files is told before Keras takes its seconds.
    training.check_bundle(config.bundle)
    photos = evaluation.Photos(config.images)
    _cli.start_keras()
    bundle = training.load_bundle(config.bundle)
    result = {}
    for part in photos:
        answers = bundle.top(bundle.predict(list(part.values())), config.top)
        found = dict(zip(part, answers, strict=True))
        print(training.format_top(found))
        result |= found
    if config.output is not None:
        evaluation.write_answers(config.output, result)
    photos.require_all()
    return result


if __name__ == "__main__":
    _cli.run(main, Config)
