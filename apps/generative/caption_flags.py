"""The flags of a captioner's training. No Keras here: ``--help`` must answer at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sightkit import _files, training, transfer
from sightkit import io as sightkit_io
from sightkit._errors import SightkitError, require_at_least, require_numbers
from sightkit.apps.generative.captions import (
    CaptionedPictures,
    divide,
    made_scenes,
    read_coco_captions,
)
from sightkit.apps.generative.scenes import SIDE, all_sentences

SMOKE: dict[str, Any] = {
    **{"scenes": 60, "size": (64, 64), "epochs": 1, "units": 16, "batch_size": 16},
    **{"base": "mobilenet_0.25", "cut": "conv_pw_5_relu"},
}


@dataclass(frozen=True)
class CaptionFlags(training.RunConfig, sightkit_io.SizeFlags):
    """The flags of a training script of a captioner."""

    output: Path = Path("runs/captioner/default")
    """Folder of the run: everything that it writes is in it."""
    data: Path | None = None
    """COCO's captions_*.json; by default scenes are drawn, whose sentences are known."""
    images: Path = Path("datasets/coco/images")
    """Folder of the pictures of --data."""
    scenes: int = 8700
    """Drawn scenes; 1,740 sentences take turns."""
    size: tuple[int, ...] = (SIDE, SIDE)
    """Height and width of the network's input, pixels; pictures are stretched to it."""
    base: str = "mobilenetv2_0.35"
    """Network trained on ImageNet whose maps are looked at; it stays as it is."""
    cut: str = "block_13_expand_relu"
    """Layer of it that gives them."""
    pretrained: bool = True
    """Begin with the weights that the base has learned on ImageNet."""
    units: int = 192
    """Units of the LSTM."""
    length: int = 12
    """Words of a sentence at most, its end included; COCO's want 20."""
    least: int = 1
    """Times that a word must occur in training to be known; of COCO's 5."""
    beams: int = 3
    """Sentences that are followed at once when a photo is described."""
    epochs: int = 30
    """Passes over the training pictures."""
    batch_size: int = 64
    """Pictures a step."""
    learning_rate: float = 2e-3
    """Highest rate of Adam: it rises for a twentieth of the steps, then falls to zero (cosine)."""
    dropout: float = 0.2
    """Share dropped of words and states."""
    seed: int = 1
    """Seed of weights, order and scenes."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Arithmetic; weights are float32 in both."""
    guard: Literal["on", "off"] = "on"
    """Stop a training whose loss is NaN or does not come back; ``off`` trains on."""
    keep: Literal["checkpoint", "bundle"] = "checkpoint"
    """Files of a finished run: its bundle and one checkpoint, or the bundle alone."""
    resume: bool = False
    """Continue the run in the output folder."""
    overwrite: bool = False
    """Delete the run in the output folder and begin anew."""
    smoke: bool = False
    """Run everything on a few scenes; the result means nothing."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        sightkit_io.SizeFlags.__post_init__(self)
        _files.as_paths(self)
        require_numbers(self)
        if self.smoke:
            self._shrink()
        require_at_least(self, epochs=1, batch_size=1, units=1, scenes=20, length=2, least=1,
                         beams=1)  # fmt: skip
        if self.resume and self.overwrite:
            raise SightkitError("--resume continues a run, --overwrite deletes it: give one.")
        if not self.learning_rate > 0:
            raise SightkitError(
                "--learning-rate must be a number above 0.",
                "Give --learning-rate 0.002, for example.",
                learning_rate=self.learning_rate,
            )
        transfer.source_of(self.base)

    def pictures(self) -> dict[str, CaptionedPictures]:
        """Return pictures with their sentences by split; no sentence is in two of them.

        Raises:
            SightkitError: see ``read_coco_captions`` and ``divide``.
        """
        if self.data is not None:
            return divide(read_coco_captions(self.data, self.images))
        sentences = all_sentences()
        return divide(made_scenes(self.scenes, self.seed, sentences[:: max(1, 10 * self.smoke)]))

    def _shrink(self) -> None:
        for name, value in SMOKE.items():
            if getattr(self, name) == self.default_of(name):
                object.__setattr__(self, name, value)
        object.__setattr__(self, "pretrained", False)
        if self.output == self.default_of("output"):
            object.__setattr__(self, "output", self.output.with_name("smoke"))
            object.__setattr__(self, "overwrite", not self.resume)
