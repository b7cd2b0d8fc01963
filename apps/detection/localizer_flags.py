"""The flags of a localizer's training. No Keras here: ``--help`` must answer at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from sightkit import _files, training, transfer, zoo
from sightkit import io as sightkit_io
from sightkit._errors import SightkitError, require_at_least, require_numbers
from sightkit.apps.detection.annotation_files import read_annotations
from sightkit.apps.detection.annotations import AnnotatedPictures
from sightkit.apps.detection.shapes import write_shapes
from sightkit.apps.detection.tiny_imagenet_boxes import CLASS_IDS, read_tiny_imagenet_boxes

SPLITS = ("train", "val", "test")
HELD_BACK = 0.1
"""Share of Tiny ImageNet's training pictures that the best epoch is chosen by."""
SMOKE: dict[str, Any] = {
    **{"size": (64, 64), "epochs": 2, "views": 2},
    **{"base": "mobilenet_0.25", "pretrained": False},
}
SMOKE_PICTURES = 12


@dataclass(frozen=True)
class LocalizerFlags(training.RunConfig, sightkit_io.SizeFlags):
    """The flags of the training of a localizer."""

    output: Path = Path("runs/localizer/default")
    """Folder of the run: everything that it writes is in it."""
    data: Path = Path("datasets/tiny-imagenet-200")
    """Folder in the layout of Tiny ImageNet, whose val is the test; or in VOC's layout with the
    lists train, val and test; or with train.csv, val.csv and test.csv, or .json of COCO's form.
    One object a picture."""
    base: str = "mobilenetv2_0.35"
    """Classifier of the zoo (docs/zoo.md) whose body is used."""
    pretrained: bool = True
    """Begin with the weights that the base has learned on ImageNet. What stays of them is computed
    once for each view; else all learns, from random weights."""
    unfreeze_from: str = ""
    """First layer of a pretrained base that learns with the head; the head alone by default."""
    size: tuple[int, ...] = (224,)
    """Height and width of the network's input, pixels, or one number for both; pictures are
    stretched to it."""
    views: int = 12
    """Views of each training picture, whose features are kept in memory: as it is, mirrored, moved
    and zoomed."""
    box_loss: Literal["iou", "smooth_l1"] = "iou"
    """Loss of the box: 1 - generalized IoU, or smooth L1 of its edges."""
    class_boxes: bool = False
    """A box for each class, in place of one for all."""
    epochs: int = 40
    """Passes over the training pictures."""
    batch_size: int = 16
    """Pictures a step."""
    learning_rate: float = 1e-3
    """First rate of AdamW; it falls to zero along half a cosine."""
    weight_decay: float = 1e-2
    """Share of each weight that is taken away in a step, times the rate."""
    seed: int = 1
    """Seed of weights, order, views and division."""
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
    """Run everything on a few made pictures; the result means nothing."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        sightkit_io.SizeFlags.__post_init__(self)
        _files.as_paths(self)
        require_numbers(self)
        if self.resume and self.overwrite:
            raise SightkitError("--resume continues a run, --overwrite deletes it: give one.")
        if self.smoke:
            self._shrink()
        require_at_least(self, epochs=1, batch_size=1, views=1, weight_decay=0)
        if not self.learning_rate > 0:
            raise SightkitError(
                "--learning-rate must be a number above 0.",
                "Give --learning-rate 0.001, for example.", learning_rate=self.learning_rate,
            )  # fmt: skip
        if self.pretrained:
            transfer.source_of(self.base)
        else:
            zoo.entry(self.base)
        if not self.smoke and not self.data.exists():
            raise SightkitError(
                "--data must name the folder of the annotated pictures.", "Check the path.",
                data=str(self.data),
            )  # fmt: skip

    def pictures(self, scratch: Path) -> dict[str, AnnotatedPictures]:
        """Read the splits, see ``SPLITS``; of a smoke run made pictures, written to ``scratch``.

        Raises:
            SightkitError: another layout, faults of the annotations, a missing list or file.
        """
        if self.smoke:
            made = [
                write_shapes(scratch / split, SMOKE_PICTURES, most=1, seed=number)
                for number, split in enumerate(SPLITS)
            ]
            return {
                split: _some(each, np.array([len(one) == 1 for one in each.annotations]))
                for split, each in zip(SPLITS, made, strict=True)
            }
        if (self.data / CLASS_IDS).is_file():
            train = read_tiny_imagenet_boxes(self.data, "train")
            held = np.random.default_rng(self.seed).permutation(len(train)) < HELD_BACK * len(train)
            return {
                "train": _some(train, ~held),
                "val": _some(train, held),
                "test": read_tiny_imagenet_boxes(self.data, "val"),
            }
        found: dict[str, AnnotatedPictures] = {}
        for split in SPLITS:
            names = found["train"].class_names if found else None
            files = [self.data / f"{split}{ending}" for ending in (".json", ".csv")]
            file = next((path for path in files if path.is_file()), None)
            found[split] = (
                read_annotations(file, class_names=names)
                if file
                else read_annotations(self.data, split, class_names=names)
            )
        return found

    def _shrink(self) -> None:
        for name, value in SMOKE.items():
            if getattr(self, name) == self.default_of(name):
                object.__setattr__(self, name, value)
        if self.output == self.default_of("output"):
            object.__setattr__(self, "output", self.output.with_name("smoke"))
            object.__setattr__(self, "overwrite", not self.resume)


def _some(pictures: AnnotatedPictures, chosen: np.ndarray) -> AnnotatedPictures:
    """Return the pictures at which a bool (N,) is True."""
    kept = tuple(each for each, keep in zip(pictures.annotations, chosen, strict=True) if keep)
    return AnnotatedPictures(kept, pictures.class_names)
