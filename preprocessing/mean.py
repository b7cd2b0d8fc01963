"""Subtract the mean of each channel, and divide optionally by its standard deviation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sightkit._errors import SightkitError
from sightkit.preprocessing.base import ArrayPreprocessor
from sightkit.preprocessing.training_images import Source, training_images


@dataclass(frozen=True)
class MeanPreprocessor(ArrayPreprocessor):
    """Subtract a mean from each channel of an RGB image, then divide by a deviation, if any.

    A grey image is taken where red, green and blue are equal.

    Args:
        red: mean of the first channel, in the range that the images have here.
        green: of the second.
        blue: of the third.
        deviation: standard deviations of the three channels; None divides by nothing.

    Example:
        >>> MeanPreprocessor(1.0, 2.0, 3.0)(np.full((1, 1, 3), 3, np.uint8)).ravel().tolist()
        [2.0, 1.0, 0.0]
    """

    red: float
    green: float
    blue: float
    deviation: tuple[float, float, float] | None = None

    def __post_init__(self) -> None:
        if not np.isfinite([self.red, self.green, self.blue]).all():
            raise SightkitError(
                "A mean must be a number.", red=self.red, green=self.green, blue=self.blue
            )
        if self.deviation is not None:
            values = tuple(float(value) for value in self.deviation)
            if len(values) != 3 or not np.isfinite(values).all() or min(values) <= 0:
                raise SightkitError(
                    "deviation must be three positive numbers.",
                    "Leave it out where all pixels of a channel are equal.",
                    deviation=self.deviation,
                )
            object.__setattr__(self, "deviation", values)

    @classmethod
    def of(
        cls, mean: Sequence[float] | np.ndarray, deviation: Sequence[float] | None = None
    ) -> MeanPreprocessor:
        """Make one from (red, green, blue), or (grey,), as ``io.DatasetFile.mean`` has them.

        That mean is of the training split alone.
        """
        red, green, blue = _three(mean, "mean")
        return cls(red, green, blue, None if deviation is None else _three(deviation, "deviation"))

    @classmethod
    def fit(cls, images: Source, *, deviation: bool = False) -> MeanPreprocessor:
        """Measure the mean, and optionally the deviation, of training images.

        Every pixel counts alike, whatever the size of its image; the sums are exact.

        Args:
            images: an ``io.HDF5DatasetGenerator`` of the training split, whose rows are taken as
                they are in the file; or uint8 images (H, W, C), alone or in batches.
            deviation: measure the standard deviation too.

        Raises:
            SightkitError: another split than the training split, no images, or not uint8.
        """
        counts: np.ndarray | int = 0  # (channels, 256): how often each value occurs
        for image in training_images(images, "MeanPreprocessor.fit"):
            channels = np.moveaxis(image, -1, 0)
            counts = counts + np.stack([np.bincount(c.ravel(), minlength=256) for c in channels])
        pixels = np.sum(counts, axis=-1)
        values = np.arange(256)
        mean = counts @ values / pixels
        if not deviation:
            return cls.of(mean)
        # As Python's integers: of 50,000 small photos these products no longer fit into 64 bits.
        totals, squares = counts @ values, counts @ values**2
        sums = zip(totals.tolist(), squares.tolist(), pixels.tolist(), strict=True)
        variances = [(square * n - total**2) / n**2 for total, square, n in sums]
        return cls.of(mean, np.sqrt(variances).tolist())

    @property
    def accepted_channels(self) -> tuple[int, ...]:  # type: ignore[override]
        """Three; and one, where red, green and blue are treated alike."""
        alike = all(
            len(set(values)) == 1
            for values in ((self.red, self.green, self.blue), self.deviation or (1.0,))
        )
        return (1, 3) if alike else (3,)

    def transform(self, images: np.ndarray) -> np.ndarray:
        """Transform (N, H, W, 3) in RGB order, of any real dtype; return float32."""
        # Whole rows of pixels: a broadcast over three channels alone takes ten times as long.
        width, channels = images.shape[-2:]
        rows = images.reshape(-1, width * channels)
        mean = np.array([self.red, self.green, self.blue][:channels], np.float32)
        result = np.subtract(rows, np.tile(mean, width), dtype=np.float32)
        if self.deviation is not None:
            deviation = np.array(self.deviation[:channels], np.float32)
            np.divide(result, np.tile(deviation, width), out=result)
        return result.reshape(images.shape)


def _three(values: Sequence[float] | np.ndarray, name: str) -> tuple[float, float, float]:
    numbers = [float(value) for value in np.ravel(np.asarray(values))]
    if len(numbers) not in (1, 3):
        received: dict[str, Any] = {name: numbers}
        raise SightkitError(f"{name} must be (red, green, blue), or (grey,).", **received)
    red, green, blue = numbers * 3 if len(numbers) == 1 else numbers
    return red, green, blue
