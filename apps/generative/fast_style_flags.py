"""The flags of a fast style network's training. No Keras here: ``--help`` must answer at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from sightkit import io, training, transfer
from sightkit._errors import SightkitError, require_at_least
from sightkit.apps.generative.picture_folder import (
    read_pictures,
    sample_pictures,
    split_pictures,
)
from sightkit.apps.generative.pictures import scaled


@dataclass(frozen=True, kw_only=True)
class FastStyleFlags(training.TrainingFlags, io.LinkFlags):
    """The flags of the training script of a fast style network."""

    smoke_values: ClassVar = {
        **{"patches": 8, "patch": 32, "photo_size": 64, "style_size": 64, "epochs": 1},
        **{"batch_size": 4, "filters": (4, 4, 8), "blocks": 1},
    }

    output: Path = Path("runs/fast_style/default")
    """Folder of the run: everything that it writes is in it."""
    data: Path = Path("datasets/photos")
    """Folder of photos of any kind; folders in it count too."""
    style: Path | None = None
    """Picture of the style."""
    model: str = "vgg16"
    """Loss network, trained on ImageNet: its layers compare paintings with photo and style."""
    content_layers: tuple[str, ...] = ()
    """Layers that hold the content; by default one chosen by the size of its maps."""
    style_layers: tuple[str, ...] = ()
    """Layers that hold the style; by default the first of each of the first four sizes of maps."""
    content_weight: float = 1.0
    """Weight of the content's loss."""
    style_weight: float = 10.0
    """Weight of the style's loss: more gives the photo up."""
    variation_weight: float = 0.01
    """Weight of the total variation: more is smoother."""
    photo_size: int = 192
    """Shorter side that photos are scaled to, pixels, at least --patch."""
    style_size: int = 256
    """Longer side of the style, pixels: less paints with finer strokes."""
    patch: int = 128
    """Side of the patches that are cut from photos and painted, pixels, a multiple of 4."""
    patches: int = 600
    """Patches an epoch, each from any place of the photos."""
    filters: tuple[int, ...] = (16, 32, 64)
    """Filters of the network at its three sizes."""
    blocks: int = 3
    """Residual blocks of the network."""
    epochs: int = 4
    batch_size: int = 4
    """Patches a step."""
    learning_rate: float = 2e-3
    """Highest rate of Adam: it rises for a twentieth of the steps, then falls to zero (cosine)."""
    validation: float = 0.1
    """Share of the photos that choose the epoch."""
    split_seed: int = 1
    """Seed of the photos' split."""
    precision: Literal["float32"] = "float32"
    """Arithmetic."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        super().__post_init__()
        if self.style is None and not self.smoke:
            raise SightkitError("Name a picture of the style.", "For example --style=painting.jpg.")
        require_at_least(
            self, photo_size=8, style_size=8, patch=8, patches=1, blocks=1,
            content_weight=0, style_weight=0, variation_weight=0,
        )  # fmt: skip
        if not 0 < self.validation < 1:
            raise SightkitError(
                "--validation must be a share between 0 and 1.", "Give --validation 0.1.",
                validation=self.validation,
            )  # fmt: skip
        if self.photo_size < self.patch:
            raise SightkitError(
                "Patches are cut from photos: --photo-size must be at least --patch.",
                f"Give --photo-size {self.patch}, or a smaller --patch.",
                photo_size=self.photo_size, patch=self.patch,
            )  # fmt: skip
        if self.patch % 4 or len(self.filters) != 3 or min(self.filters) < 1:
            raise SightkitError(
                "--patch must be a multiple of 4, and --filters three numbers above 0.",
                "Give --patch 128 --filters 16 32 64, for example.",
                patch=self.patch, filters=self.filters,
            )  # fmt: skip
        transfer.source_of(self.model)

    def read_photos(self) -> dict[str, dict[str, np.ndarray]]:
        """Return the photos of ``train`` and ``val`` by path, uint8 (H, W, 3), scaled.

        Raises:
            SightkitError: see ``read_pictures``.
        """
        found = (
            sample_pictures()
            if self.smoke
            else read_pictures(self.data, follow_links=self.follow_links)
        )
        photos = {path: self._scaled(photo) for path, photo in found.items()}
        return split_pictures(photos, self.validation, self.split_seed)

    def read_style(self) -> np.ndarray:
        """Return the picture of the style, uint8 (H, W, 3); a sample photo in a smoke run."""
        if self.style is None:
            return scaled(next(iter(sample_pictures().values())), self.style_size)
        return scaled(io.read_image(self.style), self.style_size)

    def _scaled(self, photo: np.ndarray) -> np.ndarray:
        longer, shorter = max(photo.shape[:2]), min(photo.shape[:2])
        return scaled(photo, -(-longer * self.photo_size // shorter))
