"""The flags of a localizer's training. No Keras here: ``--help`` must answer at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from sightkit import transfer, zoo
from sightkit._errors import require_at_least
from sightkit.apps.detection.annotations import AnnotatedPictures
from sightkit.apps.detection.localizer_measures import relative_targets
from sightkit.apps.detection.picture_flags import PictureFlags
from sightkit.apps.detection.shapes import write_shapes
from sightkit.apps.detection.tiny_imagenet_boxes import CLASS_IDS, read_tiny_imagenet_boxes

HELD_BACK = 0.1
"""Share of Tiny ImageNet's training pictures that the best epoch is chosen by."""


@dataclass(frozen=True, kw_only=True)
class LocalizerFlags(PictureFlags):
    """The flags of the training of a localizer."""

    smoke_values: ClassVar = {
        **{"size": (64, 64), "epochs": 2, "views": 2},
        **{"base": "mobilenet_0.25", "pretrained": False},
    }

    output: Path = Path("runs/localizer/default")
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
    batch_size: int = 16
    learning_rate: float = 1e-3
    """First rate of AdamW; it falls to zero along half a cosine."""
    weight_decay: float = 1e-2

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        super().__post_init__()
        require_at_least(self, views=1)
        if self.pretrained:
            transfer.source_of(self.base)
        else:
            zoo.entry(self.base)

    def made(self, folder: Path, seed: int) -> AnnotatedPictures:
        """Write the pictures of a split of a smoke run, a shape each."""
        made = write_shapes(folder, 12, most=1, seed=seed)
        return _some(made, np.array([len(one) == 1 for one in made.annotations]))

    def pictures(self, scratch: Path) -> dict[str, AnnotatedPictures]:
        """Read the splits, as ``PictureFlags``; of Tiny ImageNet val is the test.

        Raises:
            SightkitError: faults of the annotations, pictures of several objects.
        """
        if self.smoke or not (self.data / CLASS_IDS).is_file():
            found = super().pictures(scratch)
        else:
            train = read_tiny_imagenet_boxes(self.data, "train")
            held = np.random.default_rng(self.seed).permutation(len(train)) < HELD_BACK * len(train)
            found = {
                "train": _some(train, ~held),
                "val": _some(train, held),
                "test": read_tiny_imagenet_boxes(self.data, "val"),
            }
        for each in found.values():
            relative_targets(each)
        return found


def _some(pictures: AnnotatedPictures, chosen: np.ndarray) -> AnnotatedPictures:
    """Return the pictures at which a bool (N,) is True."""
    kept = tuple(each for each, keep in zip(pictures.annotations, chosen, strict=True) if keep)
    return AnnotatedPictures(kept, pictures.class_names)
