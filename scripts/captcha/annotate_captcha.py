"""Label captchas in the browser, by the keyboard alone: one key where the network is right.

    sightkit captcha/annotate_captcha --captchas CAPTCHAS --output LABELS
    sightkit captcha/annotate_captcha --captchas CAPTCHAS --output LABELS \\
        --bundle runs/captcha/default/bundle

Open the address that is printed. Characters are cut by contours; with --bundle their labels are
proposed, the least certain captcha first. Each key is saved at once, and the same command goes on
where you stopped. LABELS holds labels.csv (file, sha256, text) and dataset/CHARACTER/IMAGE.png for
scripts/captcha/train_captcha.py. Only this machine reaches the page.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightkit import _cli, _files, training
from sightkit._errors import SightkitError, require_at_least
from sightkit.apps import captcha

LONGEST = 64
"""Characters of a captcha; a place has its picture in the page."""


@dataclass(frozen=True)
class Config:
    """Label captchas in the browser."""

    captchas: Path | None = None
    """Folder of the captchas."""
    output: Path = Path("labels")
    """Folder of the labels, new, or of captchas that are being labelled."""
    bundle: Path | None = None
    """Folder of a network of characters that proposes labels: RUN/bundle."""
    alphabet: str = "123456789"
    """Characters that texts have."""
    length: int = 4
    """Characters of a captcha."""
    host: str = "127.0.0.1"
    """Address of the page, one of this machine alone."""
    port: int = 8000
    """Port of the page; 0 for any that is free."""
    smoke: bool = False
    """Label five captchas that are drawn here, without a browser."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        require_at_least(self, length=1, port=0)
        if self.length > LONGEST:
            raise SightkitError(
                f"--length may be {LONGEST} at most.", "Give 4.", length=self.length
            )
        captcha.require_alphabet(self.alphabet)
        captcha.require_loopback(self.host)
        if self.captchas is None and not self.smoke:
            raise SightkitError("Name the folder of the captchas.", "Give --captchas FOLDER.")
        _files.require_writable(self.output)


def main(config: Config) -> dict[str, Any]:
    if config.bundle is not None:
        description = training.check_bundle(config.bundle)
        captcha.require_characters(description["class_names"], config.bundle)
    with tempfile.TemporaryDirectory() as scratch:
        folder, output, texts = config.captchas, config.output, {}
        if folder is None:  # a smoke run
            folder, output = Path(scratch), Path(scratch, "labels")
            drawn = captcha.random_texts(5, alphabet=config.alphabet, length=config.length)
            texts = captcha.write_captchas(folder, drawn)
        options = (config.alphabet, config.length, config.bundle)
        with captcha.annotating(folder, output, *options) as annotation:
            for path, text in texts.items():
                for key in text:
                    annotation.press(path.name, key)
            if not texts:
                captcha.run_page(annotation, config.host, config.port)
            found = annotation.summary()
    keys = "" if found["keys_a_label"] is None else f", {found['keys_a_label']} keys a label"
    print(f"{found['labelled']} labelled, {found['left']} left{keys}")
    return found


if __name__ == "__main__":
    _cli.run(main, Config)
