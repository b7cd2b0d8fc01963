"""Subtract the mean image of the training split, pixel by pixel."""

from __future__ import annotations

import base64
import binascii
import functools
from dataclasses import dataclass

import numpy as np

from sightkit._errors import SightkitError
from sightkit.preprocessing.base import ArrayPreprocessor, check_image, check_size
from sightkit.preprocessing.training_images import Source, training_images


@dataclass(frozen=True)
class MeanImagePreprocessor(ArrayPreprocessor):
    """Subtract a mean image; images of another size are refused.

    Make one with ``fit`` or ``of``: the pixels travel as text, so that they fit into JSON.

    Args:
        width: of the mean image, pixels.
        height: of the mean image, pixels.
        channels: 1 or 3.
        pixels: the mean image, float32 (height, width, channels), little-endian, in base64.

    Example:
        >>> mean = MeanImagePreprocessor.of(np.full((2, 2, 1), 1.5))
        >>> mean(np.full((2, 2, 1), 2, np.uint8)).ravel().tolist()
        [0.5, 0.5, 0.5, 0.5]
    """

    width: int
    height: int
    channels: int
    pixels: str

    def __post_init__(self) -> None:
        check_size("MeanImagePreprocessor", width=self.width, height=self.height)
        if self.channels not in (1, 3):
            raise SightkitError("A mean image has 1 or 3 channels.", channels=self.channels)
        _decoded(self.pixels, self.height, self.width, self.channels)

    @classmethod
    def of(cls, mean: np.ndarray) -> MeanImagePreprocessor:
        """Make one from a mean image, (H, W, C), in the range that the images have here."""
        mean = check_image(mean, "MeanImagePreprocessor")
        height, width, channels = mean.shape
        text = base64.b64encode(mean.astype("<f4").tobytes()).decode()
        return cls(width, height, channels, text)

    @classmethod
    def fit(cls, images: Source) -> MeanImagePreprocessor:
        """Measure the mean image of training images, all of one size; the sums are exact.

        Args:
            images: an ``io.HDF5DatasetGenerator`` of the training split, whose rows are taken as
                they are in the file; or uint8 images (H, W, C), alone or in batches.

        Raises:
            SightkitError: another split than the training split, no images, several sizes, or not
                uint8.
        """
        total, count = np.zeros((), np.int64), 0
        for image in training_images(images, "MeanImagePreprocessor.fit"):
            if count and image.shape != total.shape:
                raise SightkitError(
                    f"A mean image needs images of one size; the first has {total.shape}.",
                    "Resize them first.",
                    shape=image.shape,
                )
            total, count = total + image, count + 1
        return cls.of(total / count)

    @property
    def mean(self) -> np.ndarray:
        """float32 (height, width, channels), read-only."""
        return _decoded(self.pixels, self.height, self.width, self.channels)

    def transform(self, images: np.ndarray) -> np.ndarray:
        """Subtract from (N, height, width, channels) of any real dtype; return float32."""
        mean = self.mean
        if images.shape[-3:] != mean.shape:
            raise SightkitError(
                f"Images must have the mean image's shape, {mean.shape}.",
                "Resize or crop them first.",
                shape=images.shape[1:],
            )
        return np.subtract(images, mean, dtype=np.float32)


@functools.lru_cache(maxsize=8)
def _decoded(pixels: str, height: int, width: int, channels: int) -> np.ndarray:
    try:
        data = base64.b64decode(pixels, validate=True)
    except (binascii.Error, TypeError, ValueError):
        data = b""
    if len(data) != 4 * height * width * channels:
        raise SightkitError(
            "pixels must be the base64 text of height x width x channels float32 numbers.",
            "Make the preprocessor with fit or of.",
            bytes=len(data),
            height=height,
            width=width,
            channels=channels,
        )
    mean = np.frombuffer(data, "<f4").reshape(height, width, channels)
    if not np.isfinite(mean).all():
        raise SightkitError("A mean image holds numbers alone.", "It has NaN or infinity in it.")
    return mean
