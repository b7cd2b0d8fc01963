"""Data sets that several experiments train on: their file, splits and variation."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from sightkit import io as sightkit_io
from sightkit.experiments.config import Config
from sightkit.preprocessing import Augment, GrayscalePreprocessor, Pipeline, SimplePreprocessor


@dataclass(frozen=True)
class MnistConfig(Config):
    """Training on MNIST, found in KERAS_HOME (~/.keras) or downloaded by Keras.

    Validation images are taken from the 60,000, so that the 10,000 are met once, at the end.
    """

    source: ClassVar[Any] = staticmethod(sightkit_io.mnist)

    data: Path = Path("datasets/mnist.h5")
    size: tuple[int, ...] = field(default=(28, 28), kw_only=True)
    fractions: tuple[float, ...] = (0.825, 0.075, 0.1)  # 55,000, 5,000 and MNIST's own 10,000

    @property
    def preprocessors(self) -> Pipeline:
        """Grey, resized."""
        return Pipeline((GrayscalePreprocessor(), SimplePreprocessor(self.width, self.height)))

    def augmentation(self, height: int, width: int) -> Augment:
        """Return the random variation of a training image of the stored size."""
        return Augment(rotation=10, translation=0.1, zoom=0.1, border="black")


@dataclass(frozen=True)
class Cifar10Config(Config):
    """Training on CIFAR-10: a file that scripts/build_cifar10.py wrote is used as it is.

    Else it is found in datasets/cifar-10-batches-py or in KERAS_HOME (~/.keras), or downloaded by
    Keras.
    """

    source: ClassVar[Any] = sightkit_io.FetchedCifar10()

    data: Path = Path("datasets/cifar10.h5")
    size: tuple[int, ...] = field(default=(32, 32), kw_only=True)
    fractions: tuple[float, ...] = (0.72, 0.08, 0.20)  # 45,000, 5,000 and CIFAR-10's own 10,000

    def augmentation(self, height: int, width: int) -> Augment:
        """Return the random variation of a training image of the stored size."""
        return Augment(horizontal_flip=True, translation=0.1, border="reflect")
