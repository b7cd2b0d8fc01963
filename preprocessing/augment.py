"""Random variations of a training image: one affine warp, then brightness and contrast."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from sightkit._errors import SightkitError
from sightkit.preprocessing.base import BYTES, Images, RandomPreprocessor, check_batch, check_image

BORDERS = {
    "replicate": cv2.BORDER_REPLICATE,
    "reflect": cv2.BORDER_REFLECT_101,
    "black": cv2.BORDER_CONSTANT,
}
LEVELS = np.arange(256)
DRAWS = 9
"""Random numbers an image, whatever is switched on."""


@dataclass(frozen=True)
class Augment(RandomPreprocessor):
    """Rotation, translation, shear, zoom and flips as one affine warp, then light.

    Each strength is the largest deviation; what is drawn is uniform between minus and plus that.
    One combined warp interpolates once and is an order of magnitude faster than a chain of them.
    Shifts and flips alone interpolate nothing: they are by whole pixels. By parts of pixels they
    blur, which test images are not: MiniVGGNet lost two points on CIFAR-10 (78.4 % in place of
    80.4 % of validation images after five epochs, two seeds).

    Args:
        rotation: degrees.
        translation: share of width and of height, one number for both; or (height, width).
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
    translation: float | tuple[float, float] = 0.0
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
        if isinstance(self.translation, Sequence):
            object.__setattr__(self, "translation", tuple(self.translation))
        for name, limit in limits.items():
            value = np.asarray(getattr(self, name))
            pair = name == "translation"
            forms = ((), (2,)) if pair else ((),)
            if value.shape not in forms or not np.all((value >= 0) & (value <= limit)):
                rule = f"Augment: {name} must be between 0 and {limit}"
                way = "; it may be (height, width)" * pair
                raise SightkitError(f"{rule}{way}.", **{name: getattr(self, name)})
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
        return self._vary(image[np.newaxis], [rng])[0]

    def batch(
        self, images: Images, rngs: Sequence[np.random.Generator] | None = None
    ) -> np.ndarray:
        """Vary uint8 (N, H, W, C), each image by its own rng; the same shape comes back."""
        array = check_batch(images, "Augment", dtypes=BYTES)
        if array is None:
            return super().batch(images, rngs)
        return self._vary(array, self.check_rngs(images, rngs))

    def _vary(self, images: np.ndarray, rngs: Sequence[np.random.Generator]) -> np.ndarray:
        """(N, H, W, C); what an image needs beside its pixels is computed for all at once."""
        draws = np.empty((len(images), DRAWS))
        for rng, row in zip(rngs, draws, strict=True):
            rng.random(out=row)
        draws = -1 + 2 * draws  # what uniform(-1, 1) gives, without its price
        mirror_x = self.horizontal_flip & (draws[:, 3] < 0)
        mirror_y = self.vertical_flip & (draws[:, 4] < 0)
        results = np.empty(images.shape, np.uint8)
        height, width = images.shape[1:3]
        if self.rotation or np.any(self.translation) or self.shear or self.zoom:
            border = BORDERS[self.border]
            matrices = self._matrices(width, height, draws, mirror_x, mirror_y)
            for image, matrix, result in zip(images, matrices, results, strict=True):
                cv2.warpAffine(  # in place: a result is contiguous
                    image, matrix, (width, height), result, cv2.INTER_LINEAR, border
                )
        else:
            flips = zip(mirror_x.tolist(), mirror_y.tolist(), strict=True)
            for image, (x, y), result in zip(images, flips, results, strict=True):
                np.copyto(result, image[:: -1 if y else 1, :: -1 if x else 1])
        if self.brightness or self.contrast:
            for result, row in zip(results, draws, strict=True):
                cv2.LUT(result, self._table(result, row), dst=result)
        return results

    def _matrices(
        self, width: int, height: int, draws: np.ndarray, mirror_x: np.ndarray, mirror_y: np.ndarray
    ) -> np.ndarray:
        """(N, 2, 3) warps about the images' centre: flip, zoom, shear, rotate, translate."""
        angle = [math.radians(self.rotation * draw) for draw in draws[:, 0].tolist()]
        cosine = np.array([math.cos(each) for each in angle])
        sine = np.array([math.sin(each) for each in angle])
        slope = [math.tan(math.radians(self.shear * draw)) for draw in draws[:, 1].tolist()]
        across = (1 + self.zoom * draws[:, 2]) * np.where(mirror_x, -1, 1)
        down = (1 + self.zoom * draws[:, 2]) * np.where(mirror_y, -1, 1)
        a, b = cosine * across, (cosine * slope - sine) * down
        c, d = sine * across, (sine * slope + cosine) * down
        x, y = (width - 1) / 2, (height - 1) / 2
        farthest = np.broadcast_to(self.translation, 2)[::-1] * (width, height)
        if self.rotation or self.shear or self.zoom:
            to_right, to_bottom = (farthest * draws[:, 5:7]).T
        else:  # each whole number of pixels as often
            most = np.floor(farthest + 1e-9)
            steps = np.floor((2 * most + 1) * (1 + draws[:, 5:7]) / 2) - most
            to_right, to_bottom = steps.T
        rows = [
            [a, b, x - a * x - b * y + to_right],
            [c, d, y - c * x - d * y + to_bottom],
        ]
        return np.ascontiguousarray(np.array(rows).transpose(2, 0, 1))

    def _table(self, image: np.ndarray, draws: np.ndarray) -> np.ndarray:
        """Return what the 256 values become: contrast about the image's mean, then brightness."""
        gain = 1 + self.contrast * draws[7]
        offset = 255 * self.brightness * draws[8]
        if self.contrast:
            offset += (1 - gain) * float(image.mean())
        return np.clip(np.rint(LEVELS * gain + offset), 0, 255).astype(np.uint8)
