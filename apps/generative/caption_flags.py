"""The flags of a captioner's training. No Keras here: ``--help`` must answer at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from sightkit import io, training, transfer
from sightkit._errors import SightkitError, require_at_least
from sightkit.apps.generative.captions import (
    CaptionedPictures,
    divide,
    made_scenes,
    read_coco_captions,
)
from sightkit.apps.generative.scenes import SIDE, all_sentences

MOST_BEAMS = 50


def require_beams(beams: int) -> None:
    """Raise unless so many sentences can be followed at once."""
    if not 1 <= beams <= MOST_BEAMS:
        raise SightkitError(
            f"--beams must be 1 to {MOST_BEAMS}.", "Give --beams 3, for example.", beams=beams
        )


@dataclass(frozen=True, kw_only=True)
class CaptionFlags(training.TrainingFlags, io.SizeFlags):
    """The flags of a training script of a captioner."""

    smoke_values: ClassVar = {
        **{"scenes": 60, "size": (64, 64), "epochs": 1, "units": 16, "batch_size": 16},
        **{"base": "mobilenet_0.25", "cut": "conv_pw_5_relu", "pretrained": False},
    }

    output: Path = Path("runs/captioner/default")
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
    batch_size: int = 64
    learning_rate: float = 2e-3
    """Highest rate of Adam: it rises for a twentieth of the steps, then falls to zero (cosine)."""
    dropout: float = 0.2
    """Share dropped of words and states."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        io.SizeFlags.__post_init__(self)
        super().__post_init__()
        require_at_least(self, units=1, scenes=20, length=2, least=1)
        require_beams(self.beams)
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
