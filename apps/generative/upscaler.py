"""A network that enlarges photos, tile by tile; a luma network leaves chroma to bicubic."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sightkit import inference, zoo
from sightkit import io as sightkit_io
from sightkit._errors import SightkitError
from sightkit.apps.generative.luma import as_bytes, from_ycbcr, to_ycbcr
from sightkit.apps.generative.tiles import in_tiles
from sightkit.apps.generative.upscaler_setup import LARGEST, UpscalerSetup
from sightkit.training.bundle_format import CANARY
from sightkit.training.classifier import Photo, decoded

if TYPE_CHECKING:
    import keras

ENLARGED = "canary_enlarged.png"
LEVELS = 2
"""Grey levels by which a pixel of the canary's answer may differ; engines differ by rounding, 1."""
MEAN_LEVELS = 0.1
"""And on average."""
MOST_PIXELS = 100_000_000
"""Of an enlarged picture: what ``io.read_image`` reads again."""


@dataclass(frozen=True, repr=False)
class UpscalerBundle:
    """A network that enlarges photos; made by ``load_upscaler`` or ``upscaler_of``.

    Attributes:
        build: returns ``network``, built when it is first used.
        predictor: network inputs of a tile, float32 (N, H, W, C), to its planes.
        setup: factor, planes, edges.
        tile: side of a tile of a small picture, pixels.
        description: all of bundle.json; of a network in memory its origin.
        folder: that it was loaded from; None of a network in memory.
    """

    build: Callable[[], keras.Model]
    predictor: inference.Predictor
    setup: UpscalerSetup
    tile: int
    description: dict[str, Any]
    folder: Path | None = None

    @functools.cached_property
    def network(self) -> keras.Model:
        """Plain Keras model in float32, for one tile."""
        return self.build()

    @property
    def factor(self) -> int:
        """Sides of an enlarged photo by those of the photo."""
        return self.setup.factor

    def __repr__(self) -> str:
        return f"<UpscalerBundle {zoo.name_of(self.description['network'])}, x{self.factor}>"

    def predict(
        self, images: Photo | Sequence[Photo], *, factor: int | None = None
    ) -> list[np.ndarray]:
        """Enlarge photos, of any size, tile by tile.

        A network of luma sharpens that; chroma is enlarged bicubically.

        Args:
            images: uint8 arrays (H, W, 3) in RGB order or (H, W, 1), or paths of image files, read
                as ``io.read_image`` does (alpha is composited on white); a single one is a list of
                one.
            factor: that is wanted; the network's own by default.

        Returns:
            A uint8 array (factor · H, factor · W, 3), or (…, 1), a photo.

        Raises:
            SightkitError: an array of another kind, a file that is no image, a photo whose
                enlargement has over 100 million pixels, or a factor that it was not trained for.
        """
        require_factor(self.factor, factor)
        alone = isinstance(images, np.ndarray) and images.ndim < 4
        several: Any = [images] if alone or isinstance(images, str | os.PathLike) else images
        return [self._enlarged(decoded(image)) for image in several]

    def enlarge_planes(self, planes: np.ndarray) -> np.ndarray:
        """Enlarge float planes (H, W, channels), 0-1, as the network takes them: float32."""
        return self._in_tiles(planes, self._planes_of_tiles)

    def check_canary(self, folder: Path) -> None:
        """Compare the enlarged canary picture with the one that was saved.

        Raises:
            SightkitError: a pixel differs by more than two grey levels, or all by 0.1 on average.
        """
        (answer,) = self.predict(folder / CANARY)
        expected = sightkit_io.read_image(folder / ENLARGED)
        levels = np.abs(answer.astype(int) - expected) if answer.shape == expected.shape else None
        if levels is None or levels.max() > LEVELS or levels.mean() > MEAN_LEVELS:
            raise SightkitError(
                "A bundle must enlarge the canary picture as it did when it was saved.",
                "Network, weights or preprocessing have changed: do not trust this bundle.",
                bundle=str(folder),
                levels="another size" if levels is None else int(levels.max()),
            )

    def _enlarged(self, photo: np.ndarray) -> np.ndarray:
        height, width = photo.shape[:2]
        if height * width * self.factor**2 > MOST_PIXELS:
            raise SightkitError(
                f"An enlarged photo has {MOST_PIXELS:,} pixels at most.",
                "Cut the photo into parts.",
                height=height,
                width=width,
                factor=self.factor,
            )
        return self._in_tiles(photo, self._bytes_of_tiles)

    def _in_tiles(self, image: np.ndarray, work: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        return in_tiles(
            image, work, tile=self.tile, margin=self.setup.margin, factor=self.factor
        )  # fmt: skip

    def _planes_of_tiles(self, tiles: np.ndarray) -> np.ndarray:
        return self.predictor(self.setup.inputs(tiles))

    def _bytes_of_tiles(self, tiles: np.ndarray) -> np.ndarray:
        colours = np.repeat(tiles, 3, axis=-1) if tiles.shape[-1] == 1 else tiles
        if self.setup.channels == 3:
            made = 255 * self._planes_of_tiles(colours / 255)
        else:
            luma, chroma = np.split(to_ycbcr(colours), [1], axis=-1)
            cut = self.factor * self.setup.margin
            large = self.setup.bicubic(chroma)[:, cut:-cut, cut:-cut]
            sharp = 255 * self._planes_of_tiles(luma / 255)
            made = from_ycbcr(np.concatenate([sharp, large], axis=-1))
        if tiles.shape[-1] == 1:
            made = made.mean(axis=-1, keepdims=True)
        return as_bytes(made)


def require_factor(own: int, wanted: int | None) -> None:
    """Raise where another factor is wanted than a network was trained for."""
    if wanted not in (None, own):
        raise SightkitError(
            "A network enlarges by the factor that it was trained for.",
            f"Enlarge by {own}, or train another: scripts/generative/train_super_resolution.py "
            f"--factor {wanted}."
            if wanted in range(2, LARGEST + 1)
            else f"Enlarge by {own}.",
            factor=wanted,
            trained_for=own,
        )
