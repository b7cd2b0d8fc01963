"""Subtract the mean of each channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sightkit._errors import SightkitError
from sightkit.preprocessing.base import Preprocessor, check_image


@dataclass(frozen=True)
class MeanPreprocessor(Preprocessor):
    """Subtract a mean from each channel of an RGB image.

    Args:
        red: mean of the first channel, in the range that the images have here.
        green: of the second.
        blue: of the third.

    Example:
        >>> MeanPreprocessor(1.0, 2.0, 3.0)(np.full((1, 1, 3), 3, np.uint8)).ravel().tolist()
        [2.0, 1.0, 0.0]
    """

    red: float
    green: float
    blue: float

    def __post_init__(self) -> None:
        if not np.isfinite([self.red, self.green, self.blue]).all():
            raise SightkitError(
                "A mean must be a number.", red=self.red, green=self.green, blue=self.blue
            )

    @classmethod
    def of(cls, mean: Sequence[float] | np.ndarray) -> MeanPreprocessor:
        """Make one from (red, green, blue), as ``io.DatasetFile.mean`` has them.

        That mean is of the training split alone.
        """
        red, green, blue = (float(value) for value in mean)
        return cls(red, green, blue)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Subtract from one image, (H, W, 3) in RGB order of any real dtype; float32 comes back."""
        return self._subtract(check_image(image, "MeanPreprocessor", channels=(3,)))

    def batch(self, images: np.ndarray) -> np.ndarray:
        """Subtract from (N, H, W, 3) at once; float32 comes back."""
        return self._subtract(images)

    def _subtract(self, array: np.ndarray) -> np.ndarray:
        mean = np.array([self.red, self.green, self.blue], np.float32)
        return np.subtract(array, mean, dtype=np.float32)
