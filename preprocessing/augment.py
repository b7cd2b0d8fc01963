"""Random variations of a training image: one affine warp, then brightness and contrast."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from sightkit._errors import SightkitError
from sightkit.preprocessing.base import RandomPreprocessor, check_image

BORDERS = {
    "replicate": cv2.BORDER_REPLICATE,
    "reflect": cv2.BORDER_REFLECT_101,
    "black": cv2.BORDER_CONSTANT,
}


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
        image = check_image(image, "Augment")
        draws = rng.uniform(-1, 1, size=9)
        matrix = self._matrix(image.shape[1], image.shape[0], draws)
        if not np.array_equal(matrix, np.eye(2, 3)):
            height, width, channels = image.shape
            image = cv2.warpAffine(
                image,
                matrix,
                (width, height),
                flags=cv2.INTER_LINEAR,
                borderMode=BORDERS[self.border],
            ).reshape(height, width, channels)
        return self._light(image, draws)

    def _matrix(self, width: int, height: int, draws: np.ndarray) -> np.ndarray:
        """The 2x3 warp about the image's centre: flip, zoom, shear, rotate, translate."""
        angle = math.radians(self.rotation * draws[0])
        slope = math.tan(math.radians(self.shear * draws[1]))
        factor = 1 + self.zoom * draws[2]
        mirror_x = -1 if self.horizontal_flip and draws[3] < 0 else 1
        mirror_y = -1 if self.vertical_flip and draws[4] < 0 else 1
        cosine, sine = math.cos(angle), math.sin(angle)
        linear = (
            np.array([[cosine, -sine], [sine, cosine]])
            @ np.array([[1, slope], [0, 1]])
            @ np.diag([factor * mirror_x, factor * mirror_y])
        )
        centre = np.array([(width - 1) / 2, (height - 1) / 2])
        shift = self.translation * draws[5:7] * (width, height)
        return np.column_stack([linear, centre - linear @ centre + shift])

    def _light(self, image: np.ndarray, draws: np.ndarray) -> np.ndarray:
        if not (self.brightness or self.contrast):
            return image
        gain = 1 + self.contrast * draws[7]
        offset = 255 * self.brightness * draws[8] + (1 - gain) * float(image.mean())
        table = np.clip(np.rint(np.arange(256) * gain + offset), 0, 255).astype(np.uint8)
        return table[image]
