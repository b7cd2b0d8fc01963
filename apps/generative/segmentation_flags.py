"""The flags of a segmenter's training. No Keras here: ``--help`` must answer at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from sightkit import io as sightkit_io
from sightkit import training, transfer
from sightkit._errors import SightkitError, require_at_least
from sightkit.apps.generative.segmentation_pairs import SegmentationPairs, read_pairs

SMOKE_DATA, SMOKE_PAIRS, SMOKE_SIDE = Path("shapes"), 8, 40


@dataclass(frozen=True, kw_only=True)
class SegmentationFlags(training.TrainingFlags, sightkit_io.SizeFlags):
    """The flags of a training script of a segmenter."""

    smoke_values: ClassVar = {
        **{"size": (32, 32), "epochs": 1, "views": 2, "filters": (4, 8, 8), "pretrained": False},
        **{"patches": 64, "data": SMOKE_DATA},
    }

    output: Path = Path("runs/segmentation/default")
    data: Path = Path("datasets/camvid")
    """Folder with images and masks of the same names; or with train, val and test and trainannot,
    valannot and testannot, as CamVid has them. classes.csv in it names the values or colours of
    masks."""
    network: Literal["unet", "fcn", "patches"] = "unet"
    """U-Net; FCN, on a pretrained network; or a classifier of patches, as it was done before."""
    size: tuple[int, ...] = (192, 256)
    """Height and width of the network's input, pixels; pictures are stretched to it."""
    filters: tuple[int, ...] = (16, 32, 64, 128, 128)
    """Filters of U-Net's levels."""
    upsampling: Literal["transposed", "nearest", "bed_of_nails", "max_unpooling"] = "nearest"
    """How U-Net doubles the sides of its maps."""
    base: str = "mobilenetv2_0.35"
    """Network trained on ImageNet that FCN stands on."""
    cut: str = "block_13_expand_relu"
    """Layer of it whose maps FCN takes."""
    pretrained: bool = True
    """Begin FCN with the weights that its base has learned on ImageNet."""
    patches: int = 8192
    """Patches an epoch."""
    epochs: int = 40
    views: int = 8
    """Views of each training picture an epoch: cut out, mirrored, lighter or darker."""
    batch_size: int = 4
    """Pictures a step; of patches 32 times as many."""
    learning_rate: float = 1e-3
    """Highest rate of AdamW: it rises for a twentieth of the steps, then falls to zero (cosine)."""
    weight_decay: float = 1e-4
    """Share of each weight that is taken away in a step, times the rate."""
    dropout: float = 0.2
    """Share dropped at U-Net's bottom."""
    class_weights: Literal["none", "balanced"] = "balanced"
    """Weights of pixels: equal, or by the square root of how rare their class is."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        sightkit_io.SizeFlags.__post_init__(self)
        super().__post_init__()
        require_at_least(self, views=1, patches=1, weight_decay=0)
        multiple = 2 ** (len(self.filters) - 1)
        if self.network == "unet" and any(side % multiple for side in self.size):
            raise SightkitError(
                f"--size must be multiples of {multiple}: U-Net halves the sides "
                f"{len(self.filters) - 1} times.",
                "Give --size 192 256, for example.",
                size=self.size,
            )
        if self.network == "fcn":
            transfer.source_of(self.base)

    def pairs(self, scratch: Path) -> Mapping[str, SegmentationPairs]:
        """Read pictures and masks; of a smoke run made ones, written to ``scratch``.

        Raises:
            SightkitError: see ``read_pairs``.
        """
        folder = self.data
        if self.smoke and folder == SMOKE_DATA:
            folder = write_masked_shapes(scratch / "shapes", SMOKE_PAIRS, SMOKE_SIDE)
        return read_pairs(folder, seed=self.seed)


def write_masked_shapes(folder: Path, count: int, side: int) -> Path:
    """Write pictures of a disc and a square on noise, with their masks; return the folder."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:side, :side]
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    for number in range(count):
        labels = np.zeros((side, side), np.uint8)
        centres = rng.integers(side // 5, side - side // 5, (2, 2))
        radius = side // 6
        labels[np.hypot(y - centres[0, 0], x - centres[0, 1]) <= radius] = 1
        labels[np.maximum(abs(y - centres[1, 0]), abs(x - centres[1, 1])) <= radius] = 2
        image = np.array([[90, 90, 90], [220, 40, 40], [40, 60, 220]], np.float32)[labels]
        image = np.clip(image + rng.normal(0, 15, image.shape), 0, 255).astype(np.uint8)
        sightkit_io.write_png(folder / "images" / f"{number}.png", image)
        sightkit_io.write_png(folder / "masks" / f"{number}.png", labels[..., None])
    (folder / "classes.csv").write_text("name\nbackground\ndisc\nsquare\n", encoding="utf-8")
    return folder
