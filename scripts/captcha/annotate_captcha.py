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

from sightkit import _cli
from sightkit.apps import captcha


@dataclass(frozen=True)
class Config(captcha.AnnotationFlags):
    """Label captchas in the browser."""


def main(config: Config) -> dict[str, Any]:
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
