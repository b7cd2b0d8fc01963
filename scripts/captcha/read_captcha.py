"""Read captchas with a trained reader: the text of each picture, or none where it is not sure.

    sightkit captcha/read_captcha PICTURE.png FOLDER --bundle RUN/bundle
    sightkit captcha/read_captcha FOLDER --bundle RUN/bundle --output answers.json

The bundle is that of scripts/captcha/train_captcha_text.py. Pictures of other sizes are resized.
Below the bundle's threshold, chosen on validation pictures so that no answer above it was wrong,
there is no answer; ``--threshold 0`` answers all. A hundred pictures take a second after Keras'
start.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from sightkit import _cli, _files, evaluation, training
from sightkit._errors import SightkitError
from sightkit.apps import captcha


@dataclass(frozen=True)
class Config:
    """Print the text of captchas."""

    images: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Image files, or folders of them."""
    bundle: Path
    """Folder of the reader: RUN/bundle."""
    threshold: float | None = None
    """Confidence below which there is no answer; the bundle's own by default."""
    output: Path | None = None
    """File to write the answers to as well: FILE.json."""
    overwrite: bool = False
    """Replace an existing file."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise SightkitError("--threshold must be from 0 to 1.", threshold=self.threshold)
        if not self.images:
            raise SightkitError("Name at least one picture or folder.", "For example captcha.png.")
        if self.output is not None:
            evaluation.require_file(self.output, (".json",), overwrite=self.overwrite)


def main(config: Config) -> dict[str, Any]:
    # Errors of bundle and files come before Keras.
    training.check_bundle(config.bundle, ("captcha",))
    photos = evaluation.PhotoFolder(config.images)
    _cli.start_keras()
    reader = captcha.load_text_reader(config.bundle)
    answers = {}
    for part in photos:
        found = reader.predict([*part.values()], threshold=config.threshold)
        for name, answer in zip(part, found, strict=True):
            answers[name] = answer._asdict()
            text = "no answer" if answer.text is None else answer.text or "no characters"
            print(f"{text}\t{answer.confidence:.3f}\t{name}")
    if config.output is not None:
        _files.write_json(config.output, answers)
    photos.require_all()
    return answers


if __name__ == "__main__":
    _cli.run(main, Config)
