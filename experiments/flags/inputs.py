"""What a network is given: the division of the images, and the mean that is subtracted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from sightkit import io as sightkit_io
from sightkit._errors import SightkitError
from sightkit.experiments.flags.base import Flags
from sightkit.io.splits import shares_by_name
from sightkit.preprocessing import (
    ImageToArrayPreprocessor,
    MeanImagePreprocessor,
    MeanPreprocessor,
    Pipeline,
    Preprocessor,
)

MeanName = Literal["none", "channel", "image"]


@dataclass(frozen=True, kw_only=True)
class InputFlags(Flags):
    """Splits and mean.

    Raises:
        SightkitError: shares that do not add up to 1, or an unknown mean.
    """

    fractions: tuple[float, ...] = (0.70, 0.15, 0.15)
    """Shares of train, validation and test; or of train, train_validation (of the same source, not
    trained on: the diagnosis then separates variance from data mismatch), validation and test."""
    mean: MeanName = "none"
    """Mean of the training images that is subtracted: of each channel, or of each pixel."""

    def __post_init__(self) -> None:
        """Check the values."""
        super().__post_init__()
        _ = self.shares
        if self.mean not in ("none", "channel", "image"):
            raise SightkitError("--mean must be none, channel or image.", mean=self.mean)

    @property
    def shares(self) -> Mapping[str, float]:
        """Share of each split by its name."""
        return shares_by_name(self.fractions)


def to_floats(
    flags: InputFlags, file: sightkit_io.DatasetFile, resize: Preprocessor | None = None
) -> tuple[Preprocessor, ...]:
    """Return the last steps of a chain: the mean is subtracted, and 255 becomes 1.

    Args:
        flags: which mean.
        file: whose training images have it.
        resize: what comes before, to the size of the network's input.
    """
    if flags.mean == "none":
        return (ImageToArrayPreprocessor(),)
    if flags.mean == "channel":
        return (MeanPreprocessor.of(file.mean), ImageToArrayPreprocessor())
    stored = sightkit_io.HDF5DatasetGenerator(
        file.path, 256, split="train", preprocessors=Pipeline()
    )
    images = stored if resize is None else (resize(image) for image in _each(stored))
    return (MeanImagePreprocessor.fit(images), ImageToArrayPreprocessor())


def _each(stored: sightkit_io.HDF5DatasetGenerator) -> Iterator[np.ndarray]:
    for first in range(0, stored.count, 256):
        yield from stored.images(slice(first, min(first + 256, stored.count)))
