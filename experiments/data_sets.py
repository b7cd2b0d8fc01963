"""Data sets that several experiments train on: their file, splits and variation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from sightkit import io as sightkit_io
from sightkit import zoo
from sightkit.experiments.config import Config
from sightkit.experiments.flags.base import Recipes
from sightkit.experiments.flags.inputs import MeanName
from sightkit.experiments.flags.optimizer import OptimizerName
from sightkit.experiments.flags.schedule import ScheduleName
from sightkit.preprocessing import (
    AspectAwarePreprocessor,
    Augment,
    GrayscalePreprocessor,
    PatchPreprocessor,
    Pipeline,
    RandomPipeline,
    RandomPreprocessor,
    SimplePreprocessor,
)

if TYPE_CHECKING:
    from sightkit.experiments.experiment import Experiment


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

    def augmentation(self, height: int, width: int) -> Augment | None:
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

    def augmentation(self, height: int, width: int) -> RandomPreprocessor:
        """Return the random variation of a training image of the stored size."""
        return Augment(horizontal_flip=True, translation=0.1, border="reflect")


@dataclass(frozen=True)
class DeepCifar10Config(Cifar10Config):
    """Training a deep network on CIFAR-10: SGD at a rate that rises and falls along a cosine.

    Few images are left out for validation: settings were chosen before, with 5,000 left out.
    """

    data: Path = Path("datasets/cifar10_49000.h5")
    fractions: tuple[float, ...] = (0.784, 0.016, 0.20)  # 49,000, 1,000 and the test's own 10,000
    batch_size: int = 128
    optimizer: OptimizerName = "sgd"
    learning_rate: float = 0.1
    rise: float | None = 0.03
    momentum: float = 0.9
    nesterov: bool = True
    reg: float = 2.5e-4
    """Strength of L2 on all kernels."""


@dataclass(frozen=True)
class TinyImageNetConfig(Config):
    """Training on Tiny ImageNet: a file that scripts/build_tiny_imagenet.py wrote."""

    builder: ClassVar[str] = "build_tiny_imagenet"

    batch_size: int = 64
    data: Path = Path("datasets/tiny_imagenet.h5")
    mean: MeanName = "channel"

    def augmentation(self, height: int, width: int) -> Augment:
        """Return the random variation of a training image of the stored size."""
        return Augment(rotation=18, translation=0.2, shear=15, zoom=0.15, horizontal_flip=True)


@dataclass(frozen=True)
class PatchConfig(Config):
    """Training on random patches of the stored images; the middle of each in evaluation."""

    side: ClassVar[int] = 224
    """Of the network's input, where images are stored at 256."""
    smoke_side: ClassVar[int] = 40
    """Of the images, digits, of a smoke run without data."""
    varied: ClassVar[Augment] = Augment(horizontal_flip=True)
    """Random variation of a patch."""

    mean: MeanName = "channel"

    def patch(self, height: int, width: int) -> tuple[int, int]:
        """Return width and height of the network's input, cut out of a stored image."""
        size = self.size or (round(height * self.side / 256), round(width * self.side / 256))
        return size[1], size[0]

    def augmentation(self, height: int, width: int) -> RandomPipeline:
        """Return the random variation of a training image of the stored size."""
        return RandomPipeline((PatchPreprocessor(*self.patch(height, width)), self.varied))

    def patches(self, run: Experiment) -> Any:
        """Return the training images of a run as patches, shuffled; set the evaluation chain.

        In evaluation the middle of an image is taken, at the patches' scale.
        """
        data = run.built(side=self.smoke_side)
        height, width = data.file.shape[1:3]
        patch = self.patch(height, width)
        share = min(1.0, max(patch[0] / width, patch[1] / height))
        middle = AspectAwarePreprocessor(*patch, crop=share)
        floats = run.to_floats(middle)
        data.chain = Pipeline((middle, *floats))
        return run.training(Pipeline(floats))

    def train(
        self, script: str, network: str, callbacks: Sequence[Any], **arguments: Any
    ) -> dict[str, Any]:
        """Train a network on patches; report the mean answer to ten of each image.

        Args:
            script: ``__file__``.
            network: its name in the zoo.
            callbacks: beside those of the flags.
            **arguments: of its builder.

        Returns:
            The contents of metrics.json.
        """
        from sightkit.experiments.experiment import start

        def build(input_shape: Sequence[int], classes: int, **given: Any) -> Any:
            return zoo.build(network, input_shape=input_shape, classes=classes, **given)

        with start(self, script) as run:
            train = self.patches(run)
            made = run.network(build, **arguments)
            run.compile(made, train)
            run.fit(made, train, callbacks=callbacks)
            return run.report(made, views=10)


@dataclass(frozen=True)
class ImageNetConfig(PatchConfig):
    """Training on ImageNet's shards: random patches of 224 out of 256, ten in evaluation."""

    builder: ClassVar[str] = "build_imagenet"
    varied: ClassVar[Augment] = Augment(horizontal_flip=True, rotation=15, shear=6)
    recipes: ClassVar[Recipes] = {"reference": {"schedule": "constant"}}
    """The reference's rate is lowered by hand, between two trainings."""

    epochs: int = 80
    batch_size: int = 128
    optimizer: OptimizerName = "sgd"
    learning_rate: float = 0.01
    momentum: float = 0.9
    schedule: ScheduleName = "linear"
    data: Path = Path("datasets/imagenet.shards")
    """List of the shards (.shards) that scripts/build_imagenet.py wrote."""

    def _default_data(self) -> Path:
        """Name the file of digits that a smoke run without shards makes."""
        data = super()._default_data()
        return data.with_name(f"{data.stem}-{self.smoke_side}.h5") if self.smoke else data
