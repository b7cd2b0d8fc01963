"""Random variations of a training image: one affine warp, then brightness and contrast."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from sightkit._errors import SightkitError
from sightkit.preprocessing.base import (
    BYTES,
    Images,
    RandomPreprocessor,
    check_batch,
    check_image,
)

BORDERS = {
    "replicate": cv2.BORDER_REPLICATE,
    "reflect": cv2.BORDER_REFLECT_101,
    "black": cv2.BORDER_CONSTANT,
}
LEVELS = np.arange(256)
KERAS_NAMES = {
    "rotation_range": "rotation",
    "width_shift_range": "translation",
    "height_shift_range": "translation",
    "shear_range": "shear",
    "zoom_range": "zoom",
    "brightness_range": "brightness",
    "fill_mode": "border",
}
"""What ImageDataGenerator called it, and books write."""


@dataclass(frozen=True)
class Augment(RandomPreprocessor):
    """Rotation, translation, shear, zoom and flips as one affine warp, then light.

    Each strength is the largest deviation; what is drawn is uniform between minus and plus that.
    One combined warp interpolates once and is an order of magnitude faster than a chain of them.

    Args:
        rotation: degrees.
        translation: share of width and of height.
        shear: degrees, along the x axis.
        zoom: share; 0.1 draws factors from 0.9 to 1.1.
        horizontal_flip: mirror left and right, every second image.
        vertical_flip: mirror top and bottom, every second image.
        brightness: share of 255 that is added.
        contrast: share; 0.1 multiplies the deviation from the image's mean by 0.9 to 1.1.
        border: what fills pixels from outside: ``"replicate"``, ``"reflect"`` or ``"black"``.

    Example:
        >>> augment = Augment(rotation=10, translation=0.1)
        >>> augment(np.zeros((28, 28, 1), np.uint8), np.random.default_rng(0)).shape
        (28, 28, 1)
    """

    rotation: float = 0.0
    translation: float = 0.0
    shear: float = 0.0
    zoom: float = 0.0
    horizontal_flip: bool = False
    vertical_flip: bool = False
    brightness: float = 0.0
    contrast: float = 0.0
    border: str = "replicate"

    def __new__(cls, *args: Any, **kwargs: Any) -> Augment:
        """Check the names before the dataclass's own constructor does."""
        known = [field.name for field in dataclasses.fields(cls)]
        if unknown := [name for name in kwargs if name not in known]:
            pairs = {name: KERAS_NAMES[name] for name in unknown if name in KERAS_NAMES}
            raise SightkitError(
                f"Augment has no {', '.join(unknown)}.",
                " ".join(f"{theirs} is called {ours} here." for theirs, ours in pairs.items())
                or f"It takes {', '.join(known)}.",
                **{name: kwargs[name] for name in unknown},
            )
        return super().__new__(cls)

    def __post_init__(self) -> None:
        limits = {
            "rotation": 180,
            "translation": 1,
            "shear": 89,
            "zoom": 0.99,
            "brightness": 1,
            "contrast": 1,
        }
        for name, limit in limits.items():
            if not 0 <= getattr(self, name) <= limit:
                raise SightkitError(
                    f"Augment: {name} must lie between 0 and {limit}.",
                    **{name: getattr(self, name)},
                )
        if self.border not in BORDERS:
            raise SightkitError(
                f"Augment: border must be one of {sorted(BORDERS)}.", border=self.border
            )

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Vary one image.

        Args:
            image: uint8 (H, W, C), 1 or 3 channels.
            rng: the only source of randomness; nine numbers are drawn whatever is switched on.

        Returns:
            uint8, the same shape.
        """
        image = check_image(image, "Augment", dtypes=BYTES)
        result = np.empty(image.shape, np.uint8)
        self._vary(image, rng, result)
        return result

    def batch(
        self, images: Images, rngs: Sequence[np.random.Generator] | None = None
    ) -> np.ndarray:
        """Vary uint8 (N, H, W, C), each image by its own rng; the same shape comes back."""
        array = check_batch(images, "Augment", dtypes=BYTES)
        if array is None:
            return super().batch(images, rngs)
        results = np.empty(array.shape, np.uint8)
        for image, rng, result in zip(array, self.check_rngs(images, rngs), results, strict=True):
            self._vary(image, rng, result)
        return results

    def _vary(self, image: np.ndarray, rng: np.random.Generator, result: np.ndarray) -> None:
        """Vary ``image`` into ``result``, which is contiguous, so that OpenCV writes in place."""
        draws = rng.uniform(-1, 1, size=9).tolist()
        mirror_x = self.horizontal_flip and draws[3] < 0
        mirror_y = self.vertical_flip and draws[4] < 0
        if self.rotation or self.translation or self.shear or self.zoom:
            height, width = image.shape[:2]
            cv2.warpAffine(
                image,
                self._matrix(width, height, draws, mirror_x, mirror_y),
                (width, height),
                dst=result,
                flags=cv2.INTER_LINEAR,
                borderMode=BORDERS[self.border],
            )
        else:
            np.copyto(result, image[:: -1 if mirror_y else 1, :: -1 if mirror_x else 1])
        if self.brightness or self.contrast:
            cv2.LUT(result, self._table(result, draws), dst=result)

    def _matrix(
        self, width: int, height: int, draws: list[float], mirror_x: bool, mirror_y: bool
    ) -> np.ndarray:
        """The 2x3 warp about the image's centre: flip, zoom, shear, rotate, translate."""
        angle = math.radians(self.rotation * draws[0])
        slope = math.tan(math.radians(self.shear * draws[1]))
        across = (1 + self.zoom * draws[2]) * (-1 if mirror_x else 1)
        down = (1 + self.zoom * draws[2]) * (-1 if mirror_y else 1)
        cosine, sine = math.cos(angle), math.sin(angle)
        a, b = cosine * across, (cosine * slope - sine) * down
        c, d = sine * across, (sine * slope + cosine) * down
        x, y = (width - 1) / 2, (height - 1) / 2
        to_right, to_bottom = (self.translation * share for share in draws[5:7])
        return np.array(
            [
                [a, b, x - a * x - b * y + to_right * width],
                [c, d, y - c * x - d * y + to_bottom * height],
            ]
        )

    def _table(self, image: np.ndarray, draws: list[float]) -> np.ndarray:
        """What becomes of each of the 256 values: contrast about the image's mean, brightness."""
        gain = 1 + self.contrast * draws[7]
        offset = 255 * self.brightness * draws[8]
        if self.contrast:
            offset += (1 - gain) * float(image.mean())
        return np.clip(np.rint(LEVELS * gain + offset), 0, 255).astype(np.uint8)
