"""The flags of an upscaler's training. No Keras here: ``--help`` must answer at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sightkit import _files, io, training
from sightkit._errors import SightkitError, require_at_least, require_numbers

Network = Literal["subpixel", "srcnn_paper", "srcnn"]
SMOKE: dict[str, Any] = {"epochs": 2, "patches": 32, "batch_size": 8}


@dataclass(frozen=True)
class UpscalerFlags(training.RunConfig, io.LinkFlags):
    """The flags of a training script of super-resolution."""

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
    learning_rate: float | None = None
    """Highest rate of Adam, 0.002 of subpixel and 0.001 of SRCNN by default: it rises for a
    twentieth of the steps, then falls to a hundredth (cosine)."""
    augment: bool = True
    """Turn and mirror patches at random."""
    validation: float = 0.125
    """Share of the pictures that choose the epoch."""
    split_seed: int = 1
    """Seed of the pictures' split."""
    seed: int = 1
    """Seed of weights and patches."""
    precision: Literal["float32"] = "float32"
    """Arithmetic: bfloat16 has eight bits, fewer than a picture needs."""
    guard: Literal["on", "off"] = "on"
    """Stop a training whose loss is NaN or does not come back; ``off`` trains on."""
    keep: Literal["checkpoint", "bundle"] = "checkpoint"
    """Files of a finished run: its bundle and one checkpoint, or the bundle alone."""
    resume: bool = False
    """Continue the run in the output folder."""
    overwrite: bool = False
    """Delete the run in the output folder and begin anew."""
    smoke: bool = False
    """Run everything on two sample photos; the result means nothing."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        _files.as_paths(self)
        require_numbers(self)
        if self.smoke:
            self._shrink()
        require_at_least(self, epochs=1, patches=1, patch=1, batch_size=1)
        if self.resume and self.overwrite:
            raise SightkitError("--resume continues a run, --overwrite deletes it: give one.")
        if not self.rate > 0:
            raise SightkitError(
                "--learning-rate must be a number above 0.", "Give --learning-rate 0.001.",
                learning_rate=self.learning_rate,
            )  # fmt: skip
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
    def rate(self) -> float:
        """Highest learning rate."""
        usual = 2e-3 if self.network == "subpixel" else 1e-3
        return usual if self.learning_rate is None else self.learning_rate

    @property
    def from_bicubic(self) -> bool:
        """Whether SRCNN's first weights pass on its input."""
        return self.network != "subpixel" and self.start == "bicubic"

    def _shrink(self) -> None:
        for name, value in SMOKE.items():
            if getattr(self, name) == self.default_of(name):
                object.__setattr__(self, name, value)
        if self.output == self.default_of("output"):
            object.__setattr__(self, "output", self.output.with_name("smoke"))
            object.__setattr__(self, "overwrite", not self.resume)
