"""The flags of a detector's training. No Keras here: ``--help`` must answer at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from sightkit import transfer
from sightkit._errors import SightkitError, require_at_least
from sightkit.apps.detection.anchors import require_strides
from sightkit.apps.detection.picture_flags import PictureFlags

STRIDE = 32


@dataclass(frozen=True, kw_only=True)
class DetectorFlags(PictureFlags):
    """The flags of a training script of a single-shot detector."""

    smoke_values: ClassVar = {
        **{"size": (96, 128), "epochs": 2, "batch_size": 4, "pretrained": False},
        **{"channels": 16, "backbone": "mobilenet_0.25"},
    }

    output: Path = Path("runs/detector/default")
    data: Path = Path("datasets/pictures")
    size: tuple[int, ...] = (320,)
    """Height and width of the network's input, pixels, multiples of 32; one number for both.
    Pictures keep their aspect ratio in it."""
    epochs: int = 100
    batch_size: int = 8
    learning_rate: float = 6e-4
    """Highest rate of AdamW: it rises for a twentieth of the steps, then falls to zero (cosine)."""
    weight_decay: float = 1e-4
    backbone: str = "mobilenetv2_0.35"
    """Network trained on ImageNet whose feature maps are used."""
    freeze: int = 0
    """Layers of the backbone before this stride stay as they are; 0: all learn (batch normalization
    never does)."""
    head: Literal["anchors", "grid"] = "anchors"
    """Boxes at every place of a feature pyramid; or two boxes a cell of the last maps alone."""
    anchors: Literal["standard", "auto"] = "standard"
    """RetinaNet's nine a place; or proposed by k-means on the training boxes."""
    strides: tuple[int, ...] = (8, 16, 32)
    """Strides of the pyramid's levels; 64 besides for things that fill the picture."""
    channels: int = 64
    """Channels of pyramid and heads."""
    views: Literal["upright", "any"] = "upright"
    """Augmentation mirrors pictures; or also turns them, where there is no above (a microscope)."""
    augment: bool = True
    """Vary training pictures at random: mirrored, zoomed, stretched, moved, tinted."""
    preflight: Literal["on", "off"] = "on"  # type: ignore[assignment]
    """Checks of anchors, coding and network before the first epoch, a minute."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        super().__post_init__()
        require_at_least(self, channels=1, freeze=0)
        require_strides(self.strides)
        transfer.source_of(self.backbone)
        if any(side % STRIDE for side in self.size):
            raise SightkitError(
                f"--size must be multiples of {STRIDE}: the coarsest maps cover the picture.",
                "Give --size 320 416, for example.",
                size=self.size,
            )
