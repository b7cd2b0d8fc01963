"""LeNet on the characters of captchas.

Measured, ezpass: 100.00 ± 0.00 % (n = 5), 2.6 minutes, AMD EPYC, 2 cores.

    sightkit captcha/train_captcha --characters CHARACTERS --captchas CAPTCHAS --tested LABELS.csv
    sightkit captcha/train_captcha --recipe ezpass

CHARACTERS is what scripts/captcha/annotate_captcha.py wrote, or the book's data: CLASS/image.png.
Characters of one captcha of CAPTCHAS stay in one split; those that equal a character of a TESTED
captcha are left out, so that scripts/captcha/evaluate_captcha.py can test whole texts on them.
With ``--recipe ezpass`` the book's E-ZPass data are in datasets/captcha, which is the case study of
docs/captcha.md: 200 captchas in downloads, 2,012 labelled digits in dataset, two of them wrongly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from sightkit import _cli, experiments, zoo
from sightkit.apps import captcha
from sightkit.preprocessing import Augment


@dataclass(frozen=True)
class Config(captcha.CharacterConfig):
    """LeNet on characters of captchas."""

    recipes: ClassVar[experiments.Recipes] = {
        "ezpass": {
            "captchas": Path("datasets/captcha/downloads"),
            "tested": Path("benchmarks/results/ezpass_labels.csv"),
            "exclude": ("4/000037.png", "5/000108.png"),  # a 5 and a 6, by eye
        }
    }

    output: Path = Path("runs/captcha/default")
    epochs: int = 15
    batch_size: int = 32
    data: Path = Path("datasets/captcha.h5")
    fractions: tuple[float, ...] = (0.589, 0.10, 0.311)
    size: tuple[int, ...] = (28, 28)

    def augmentation(self, height: int, width: int) -> Augment:
        """Return the random variation of a training image of the stored size."""
        return Augment(rotation=5, translation=0.05, zoom=0.05)


def main(config: Config, *, callbacks: Sequence[Any] = ()) -> dict[str, Any]:
    with experiments.start(config, __file__, keras=False) as run:
        file, found = config.character_file()
        run.start_keras()
        run.use(file)
        train = run.training()

        network = run.network(zoo.LeNet)
        run.compile(network, train)

        run.fit(network, train, callbacks=callbacks)
        return run.report(network, captcha=found)


if __name__ == "__main__":
    _cli.run(main, Config)
