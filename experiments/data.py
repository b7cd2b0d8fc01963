"""The splits of a dataset file, for training and evaluation."""

from __future__ import annotations

import re
import shlex
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sightkit import io as sightkit_io
from sightkit._errors import SightkitError
from sightkit._scripts import warn
from sightkit.preprocessing import ImageToArrayPreprocessor, Pipeline, Preprocessor
from sightkit.training import step_to

if TYPE_CHECKING:
    from sightkit.experiments.config import Config
    from sightkit.experiments.estimator import EstimatorConfig


@dataclass
class Data:
    """A dataset file, and the preprocessing of its images for a network.

    Attributes:
        file: its shape, class names, splits and mean.
        batch_size: images a training step.
        seed: of order and augmentation.
        chain: the evaluation chain, from stored image to the network's input; it becomes part of
            the bundle. To floats in [0, 1] by default.
        evaluation_batch: images a batch in evaluation.
        class_weights: ``"balanced"``: every class of the training images counts the same in the
            loss.
    """

    file: sightkit_io.DatasetFile
    batch_size: int
    seed: int
    chain: Preprocessor = field(default_factory=lambda: Pipeline((ImageToArrayPreprocessor(),)))
    evaluation_batch: int = 256
    class_weights: str = "none"
    _matched: bool = field(default=False, init=False, repr=False)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of the network's input."""
        height, width, channels = self.chain(np.zeros(self.file.shape[1:], np.uint8)).shape
        return height, width, channels

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.file.class_names)

    def training(self, augment: Any = None, chain: Preprocessor | None = None) -> Any:
        """Return the training images, shuffled and augmented.

        Args:
            augment: random variation of each stored image, an ``Augment`` or a ``RandomPipeline``.
            chain: preprocessing after it; the evaluation chain by default.

        Returns:
            ``io.HDF5DatasetGenerator``, for ``Experiment.fit``.
        """
        labels = self.file.labels[slice(*self.file.rows("train"))]
        weighted = self.class_weights == "balanced"
        return sightkit_io.HDF5DatasetGenerator(
            self.file.path,
            self.batch_size,
            preprocessors=chain or self.chain,
            augment=augment,
            shuffle=True,
            seed=self.seed,
            class_weights=sightkit_io.class_weights(labels, self.classes) if weighted else None,
        )

    def evaluation(
        self, split: str, chain: Preprocessor | None = None, batch_size: int = 0
    ) -> sightkit_io.HDF5DatasetGenerator:
        """Return a split in stored order, without augmentation."""
        return sightkit_io.HDF5DatasetGenerator(
            self.file.path,
            batch_size or self.evaluation_batch,
            split=split,
            preprocessors=chain or self.chain,
        )

    def match_channels(self, network: Any, train: Any) -> None:
        """Turn a file's grey images to colour for a network that takes colour, and vice versa.

        Args:
            network: built.
            train: of ``training``, perhaps within mixed or softened labels.
        """
        stored, taken = self.file.shape[-1], network.input_shape[-1]
        if stored == taken or taken not in (1, 3):
            return
        step = step_to(taken)
        if self.image_shape[-1] != taken:
            generator = getattr(train, "data", train)
            self.chain = Pipeline((step, self.chain))
            generator.preprocessors = Pipeline((step, generator.preprocessors))
        if self._matched:  # in an earlier phase
            return
        self._matched = True
        warn(
            f"The images of {self.file.path.name} have {stored} channel(s) and the network "
            f"takes {taken}: they go through {type(step).__name__}, in training and prediction."
        )


def open_built(config: Config | EstimatorConfig) -> sightkit_io.DatasetFile:
    """Open the dataset file that a build script wrote.

    Raises:
        SightkitError: no file, with the command of the training script's docstring that builds it;
            or as ``io.DatasetFile.open``.
    """
    docstring = sys.modules[type(config).__module__].__doc__ or ""
    found = re.search(r"^ +(python scripts/build_\w+\.py .*?)(?: --output \S+)?$", docstring, re.M)
    if found and not config.data.exists():
        raise SightkitError(
            "--data must name a dataset file that is built already.",
            f"Check the path, or build it: {found[1]} --output {shlex.quote(str(config.data))}",
            data=str(config.data),
        )
    return sightkit_io.DatasetFile.open(config.data)


def used_part(
    file: sightkit_io.DatasetFile, config: Config, folder: Path
) -> sightkit_io.DatasetFile:
    """Return a file as a run uses it: divided by the run's own seed, or in a smoke run few rows.

    Args:
        file: the data.
        config: of the run.
        folder: of the files that are written for it.
    """
    if config.is_divided and config.is_given("split_seed"):
        file = divided(file, config.split_seed, folder)
    limit = config.limit
    if limit and max(last - first for first, last in file.splits.values()) > limit:
        file = few_of(file, limit, folder)
    return file


def few_of(file: sightkit_io.DatasetFile, limit: int, folder: Path) -> sightkit_io.DatasetFile:
    """Write rows from all over each split of a file as a file in a folder; ``limit`` of each."""
    path = folder / file.path.name
    if not path.exists():
        parts = {
            name: np.unique(np.linspace(first, last - 1, limit).astype(np.int64))
            for name, (first, last) in file.splits.items()
        }
        sightkit_io.write_rows(path, file, parts, recipe={"few_of": file.sha256})
    return sightkit_io.DatasetFile.open(path)


def divided(file: sightkit_io.DatasetFile, seed: int, folder: Path) -> sightkit_io.DatasetFile:
    """Divide a file's rows anew, as a file in a folder; copies and groups stay in one split.

    Args:
        file: its splits say in which shares.
        seed: of the division.
        folder: of the new file.

    Raises:
        SightkitError: a class that has too few images for the splits.
    """
    path = folder / f"{file.path.stem}-division-{seed}{file.path.suffix}"
    if not path.exists():
        count = len(file.labels)
        parts = sightkit_io.split(
            file.labels,
            {name: (last - first) / count for name, (first, last) in file.splits.items()},
            seed=seed,
            groups=sightkit_io.together(file).tolist(),
            class_names=file.class_names,
        )
        sightkit_io.write_rows(path, file, parts, recipe={"divided_of": file.sha256})
    return sightkit_io.DatasetFile.open(path)
