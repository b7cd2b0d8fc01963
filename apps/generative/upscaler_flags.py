"""The flags of an upscaler's training. No Keras here: ``--help`` must answer at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from sightkit import io, training
from sightkit._errors import SightkitError, require_at_least

Network = Literal["subpixel", "srcnn_paper", "srcnn"]


@dataclass(frozen=True, kw_only=True)
class UpscalerFlags(training.TrainingFlags, io.LinkFlags):
    """The flags of a training script of super-resolution."""

    smoke_values: ClassVar = {"epochs": 2, "patches": 32, "batch_size": 8}

    output: Path = Path("runs/super_resolution/default")
    """Folder of the run: everything that it writes is in it."""
    data: Path = Path("datasets/T91")
    """Folder of pictures, sharp ones; folders in it count too."""
    network: Network = "subpixel"
    """A narrow network that ends in a pixel shuffle; SRCNN 9-1-5 on luma (the paper); or on RGB
    (the book)."""
    factor: Literal[2, 3, 4] = 2
    """Sides of an enlarged picture by those of the picture."""
    start: Literal["bicubic", "published"] = "bicubic"
    """SRCNN's first weights: those that pass on the picture, enlarged bicubically, or the
    published ones."""
    epochs: int = 60
    """Passes of --patches patches; more than a finished run had prolong it, with --resume."""
    patches: int = 8000
    """Patches an epoch, each from any place of the pictures."""
    patch: int = 36
    """Side of a patch, pixels of the large picture, a multiple of the factor."""
    batch_size: int = 8
    """Patches a step."""
    learning_rate: float = 0.001
    """Highest rate of Adam: it rises for a twentieth of the steps, then falls to a hundredth
    (cosine)."""
    augment: bool = True
    """Turn and mirror patches at random."""
    test: Path | None = None
    """Folder of other pictures, Set5 for example, that are enlarged once, at the end."""
    validation: float = 0.125
    """Share of the pictures that choose the epoch."""
    split_seed: int = 1
    """Seed of the pictures' split."""
    precision: Literal["float32"] = "float32"
    """Arithmetic: bfloat16 has eight bits, fewer than a picture needs."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        super().__post_init__()
        require_at_least(self, patches=1, patch=1)
        if not 0 < self.validation < 1:
            raise SightkitError(
                "--validation must be a share between 0 and 1.", "Give --validation 0.125.",
                validation=self.validation,
            )  # fmt: skip
        if self.patch % self.factor:
            raise SightkitError(
                "--patch must be a multiple of --factor.",
                f"Give --patch {-(-self.patch // self.factor) * self.factor}.",
                patch=self.patch, factor=self.factor,
            )  # fmt: skip

    @property
    def entry(self) -> str:
        """The network's name in the zoo."""
        return f"subpixel_x{self.factor}" if self.network == "subpixel" else self.network

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of the network but its shape."""
        return {"initializer": "dirac"} if self.from_bicubic else {}

    @property
    def from_bicubic(self) -> bool:
        """Whether SRCNN's first weights pass on its input."""
        return self.network != "subpixel" and self.start == "bicubic"
