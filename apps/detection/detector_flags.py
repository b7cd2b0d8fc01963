"""The flags of a detector's training. No Keras here: ``--help`` must answer at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sightkit import _files, training, transfer
from sightkit import io as sightkit_io
from sightkit._errors import SightkitError, require_at_least, require_numbers
from sightkit.apps.detection.anchors import require_strides
from sightkit.apps.detection.annotation_files import read_annotations
from sightkit.apps.detection.annotations import AnnotatedPictures
from sightkit.apps.detection.shapes import write_shapes

SPLITS = ("train", "val", "test")
STRIDE = 32
SMOKE: dict[str, Any] = {
    **{"size": (96, 128), "epochs": 2, "batch_size": 4},
    **{"channels": 16, "backbone": "mobilenet_0.25"},
}
SMOKE_PICTURES = 8


@dataclass(frozen=True)
class DetectorFlags(training.RunConfig, sightkit_io.SizeFlags):
    """The flags of a training script of a single-shot detector."""

    output: Path = Path("runs/detector/default")
    """Folder of the run: everything that it writes is in it."""
    data: Path = Path("datasets/pictures")
    """Folder in VOC's layout with the lists train, val and test; or with train.json, val.json and
    test.json in COCO's form, or the same as .csv."""
    size: tuple[int, ...] = (320,)
    """Height and width of the network's input, pixels, multiples of 32; one number for both.
    Pictures keep their aspect ratio in it."""
    epochs: int = 100
    """Passes over the training pictures."""
    batch_size: int = 8
    """Pictures a step."""
    learning_rate: float = 6e-4
    """Highest rate of AdamW: it rises for a twentieth of the steps, then falls to zero (cosine)."""
    weight_decay: float = 1e-4
    """Share of each weight that is taken away in a step, times the rate."""
    backbone: str = "mobilenetv2_0.35"
    """Network trained on ImageNet whose feature maps are used."""
    pretrained: bool = True
    """Begin with the weights that the backbone has learned on ImageNet."""
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
    seed: int = 1
    """Seed of weights, order and augmentation."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Arithmetic; weights are float32 in both."""
    preflight: Literal["on", "off"] = "on"  # type: ignore[assignment]
    """Checks of anchors, coding and network before the first epoch, a minute."""
    guard: Literal["on", "off"] = "on"
    """Stop a training whose loss is NaN or does not come back; ``off`` trains on."""
    keep: Literal["checkpoint", "bundle"] = "checkpoint"
    """Files of a finished run: its bundle and one checkpoint, or the bundle alone."""
    resume: bool = False
    """Continue the run in the output folder."""
    overwrite: bool = False
    """Delete the run in the output folder and begin anew."""
    smoke: bool = False
    """Run everything on a few made pictures; the result means nothing."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        sightkit_io.SizeFlags.__post_init__(self)
        _files.as_paths(self)
        require_numbers(self)
        if self.smoke:
            self._shrink()
        require_at_least(self, epochs=1, batch_size=1, channels=1, weight_decay=0, freeze=0)
        require_strides(self.strides)
        transfer.source_of(self.backbone)
        if self.resume and self.overwrite:
            raise SightkitError("--resume continues a run, --overwrite deletes it: give one.")
        if not self.learning_rate > 0:
            raise SightkitError(
                "--learning-rate must be a number above 0.",
                "Give --learning-rate 0.0006, for example.",
                learning_rate=self.learning_rate,
            )
        if any(side % STRIDE for side in self.size):
            raise SightkitError(
                f"--size must be multiples of {STRIDE}: the coarsest maps cover the picture.",
                "Give --size 320 416, for example.",
                size=self.size,
            )

    def pictures(
        self, split: str, scratch: Path, class_names: Sequence[str] | None = None
    ) -> AnnotatedPictures:
        """Read a split, one of ``SPLITS``; of a smoke run made pictures, written to ``scratch``.

        Args:
            split: its name.
            scratch: folder for made pictures.
            class_names: those that there may be; all that occur by default.

        Raises:
            SightkitError: no such list or file, faults of the annotations, no pictures.
        """
        if self.smoke:
            seed = SPLITS.index(split)
            return write_shapes(scratch / split, SMOKE_PICTURES, size=SMOKE["size"], seed=seed)
        if not self.data.is_dir():
            raise SightkitError(
                "--data must name the folder of the annotated pictures.",
                "Check the path.",
                data=str(self.data),
            )
        files = [self.data / f"{split}{ending}" for ending in (".json", ".csv")]
        found = next((path for path in files if path.is_file()), None)
        if found is not None:
            return read_annotations(found, class_names=class_names)
        return read_annotations(self.data, split, class_names=class_names)

    def _shrink(self) -> None:
        for name, value in SMOKE.items():
            if getattr(self, name) == self.default_of(name):
                object.__setattr__(self, name, value)
        object.__setattr__(self, "pretrained", False)
        if self.output == self.default_of("output"):
            object.__setattr__(self, "output", self.output.with_name("smoke"))
            object.__setattr__(self, "overwrite", not self.resume)
