"""The flags of a training that reads whole captchas. No Keras here: ``--help`` answers at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from sightkit import _files, _run_files, io, training
from sightkit._errors import SightkitError
from sightkit._scripts import as_given, warn
from sightkit.apps.captcha.drawn_captchas import random_texts, write_captchas
from sightkit.apps.captcha.text_folder import Captchas, unknown_characters

if TYPE_CHECKING:
    from sightkit.apps.captcha.text_training import TextTraining

SMOKE_PICTURES, SMOKE_ALPHABET = 60, "2468"
SMALLEST = 8
"""Pixels of a side, at least."""


@dataclass(frozen=True, kw_only=True)
class TextFlags(training.TrainingFlags, io.SizeFlags):
    """Base of the script's ``Config``."""

    smoke_values: ClassVar = {"epochs": 2}

    output: Path = Path("runs/captcha_text/default")
    data: Path = Path("datasets/captcha_4char")
    """Folder of pictures that are named by their texts, 2DTC.png."""
    method: Literal["ctc", "heads"] = "ctc"
    """A classifier of columns and CTC, or a head for each place of texts of one length."""
    epochs: int = 40
    batch_size: int = 32
    learning_rate: float = 2e-3
    """Learning rate of Adam, the highest: it rises for a tenth of the steps, then falls to 0."""
    pictures: int | None = None
    """Number of pictures for training and validation, of those that are not tested; all by
    default."""
    alphabet: str = ""
    """The only characters that a name may have; those that occur by default."""
    size: tuple[int, ...] = ()
    """Height and width of the network's input, pixels; by default the first picture's. Pictures of
    other sizes are resized."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        if self.size and (len(self.size) != 2 or min(self.size) < SMALLEST):
            raise SightkitError(
                f"--size must be height and width, at least {SMALLEST} pixels each.",
                "Give --size 24 72, for example.",
                size=self.size,
            )
        io.SizeFlags.__post_init__(self)
        super().__post_init__()

    def folder(self) -> Path:
        """Return the folder of the captchas; of a smoke run it is drawn where it is missing."""
        if not self.smoke:
            return self.data
        folder = _files.user_cache("drawn_captchas")
        folder.mkdir(parents=True, exist_ok=True)
        if len([*folder.iterdir()]) < SMOKE_PICTURES:
            texts = random_texts(SMOKE_PICTURES, alphabet=SMOKE_ALPHABET)
            write_captchas(folder, texts, size=(24, 72), named_by_text=True)
        return folder

    def reading(self, captchas: Captchas, parts: Mapping[str, Captchas]) -> TextTraining:
        """Return what is trained, once Keras has started; warn of what cannot be learned."""
        from sightkit.apps.captcha.text_training import TextTraining

        if unknown := unknown_characters(parts):
            warn(f"No training picture shows {unknown}: texts with them will be read wrongly.")
        size = self.size or io.read_image(captchas.paths[0]).shape[:2]
        return TextTraining(
            parts, self.method, captchas.alphabet, (size[0], size[1]), self.batch_size, self.seed
        )


def describe_reading(metrics: Mapping[str, Any], folder: Path) -> str:
    """Return the result of a training for the terminal."""
    test = metrics["test"]
    refusal = test["refusal"]
    lines = [
        f"Texts right: {100 * test['texts_right']:.1f} % of {test['count']} test pictures.",
        f"From confidence {refusal['threshold']:.3f} on, chosen by validation, "
        f"{refusal['answered']} ({100 * refusal['share']:.1f} %) are answered, "
        f"{refusal['wrong']} of them wrongly: at "
        f"least {100 * refusal['right_at_least']:.1f} % of such answers are right (95 %).",
        f"Everything is in {folder}. Read others: scripts/captcha/read_captcha.py "
        f"--bundle {folder / _run_files.BUNDLE} PICTURE.png",
    ]
    return as_given("\n".join(lines))
