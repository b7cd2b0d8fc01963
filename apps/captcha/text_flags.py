"""The flags of a training that reads whole captchas. No Keras here: ``--help`` answers at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sightkit import _files, _run_files, io, training
from sightkit._errors import SightkitError, require_at_least, require_numbers
from sightkit._scripts import as_given, warn
from sightkit.apps.captcha.drawn_captchas import random_texts, write_captchas
from sightkit.apps.captcha.text_folder import Captchas, unknown_characters

if TYPE_CHECKING:
    from sightkit.apps.captcha.text_training import TextTraining

SMOKE_PICTURES, SMOKE_EPOCHS, SMOKE_ALPHABET = 60, 2, "2468"


@dataclass(frozen=True, kw_only=True)
class TextFlags(training.RunConfig):
    """Base of the script's ``Config``.

    Raises:
        SightkitError: a number out of range, or resume together with overwrite.
    """

    output: Path
    """Folder of the run."""
    data: Path
    """Folder of captchas."""
    method: Literal["ctc", "heads"]
    """How a text is read."""
    epochs: int
    """Passes over the training pictures."""
    batch_size: int
    """Pictures a step."""
    learning_rate: float
    """Learning rate, the highest."""
    pictures: int | None = None
    """Number of pictures for training and validation, of those that are not tested; all by
    default."""
    alphabet: str = ""
    """The only characters that a name may have; those that occur by default."""
    size: tuple[int, ...] = field(default=())
    """Height and width of the network's input, pixels; by default the first picture's. Pictures of
    other sizes are resized."""
    seed: int = 1
    """Seed of weights, order and variation."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Arithmetic; weights are float32 in both."""
    guard: Literal["on", "off"] = "on"
    """Stop a training whose loss is NaN or does not come back; ``off`` trains on."""
    keep: Literal["checkpoint", "bundle"] = "checkpoint"
    """Files of a finished run: its bundle and one checkpoint, or the bundle alone."""
    resume: bool = False
    """Continue the run in the output folder, wherever its data are now."""
    overwrite: bool = False
    """Delete the run in the output folder and begin anew."""
    smoke: bool = False
    """Run everything on 60 captchas that are drawn, in 2 epochs; the result means nothing."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        _files.as_paths(self)
        require_numbers(self)
        require_at_least(self, epochs=1, batch_size=1, seed=0)
        if not self.learning_rate > 0:
            raise SightkitError(
                "--learning-rate must be a number above 0.", learning_rate=self.learning_rate
            )
        if self.resume and self.overwrite:
            raise SightkitError("--resume continues a run, --overwrite deletes it: give one.")
        if self.size and (len(self.size) != 2 or min(self.size) < 8):
            raise SightkitError(
                "--size must be height and width, at least 8 pixels each.",
                "Give --size 24 72, for example.",
                size=self.size,
            )
        if self.smoke:
            self._shrink()

    def _shrink(self) -> None:
        fields = type(self).__dataclass_fields__
        if self.epochs == fields["epochs"].default:
            object.__setattr__(self, "epochs", SMOKE_EPOCHS)
        if self.output == fields["output"].default:
            object.__setattr__(self, "output", self.output.with_name("smoke"))
            object.__setattr__(self, "overwrite", not self.resume)

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
