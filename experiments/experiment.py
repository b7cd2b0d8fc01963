"""An experiment from its flags to its report."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sightkit import io as sightkit_io
from sightkit import training
from sightkit._keras import start_keras
from sightkit._scripts import warn
from sightkit.experiments import ledger
from sightkit.experiments.config import Config
from sightkit.experiments.data import Data
from sightkit.preprocessing import ColourPreprocessor, Pipeline, SimplePreprocessor

CLASSIFICATION: dict[str, Any] = {
    "loss": "sparse_categorical_crossentropy",
    "metrics": ["accuracy"],
}
"""Arguments of a classifier's ``compile``, beside the optimizer."""


@contextlib.contextmanager
def start(
    config: Config, script: str | os.PathLike[str], *, keras: bool = True
) -> Iterator[Experiment]:
    """Lock the run folder, start Keras, and set seed and precision.

    Errors of folder and data are raised before Keras starts. Where starting fails, the lock is
    released, and the run that was to be overwritten is restored.

    Args:
        config: the script's.
        script: ``__file__``; its name is the experiment's.
        keras: False where long work without Keras comes first; call ``Experiment.start_keras``
            after it.

    Raises:
        SightkitError: as ``training.Run.open``, or a dataset file that is missing or damaged.

    Example:
        >>> with experiments.start(config, __file__) as run:  # doctest: +SKIP
        ...     data = run.dataset(io.digits, Pipeline((SimplePreprocessor(28, 28),)), fractions=…)
    """
    with training.Run.open(config, experiment=Path(script).stem) as run:
        if config.builder and not config.smoke:
            _require_splits(sightkit_io.DatasetFile.open(config.data), config)
        with tempfile.TemporaryDirectory() as scratch:
            experiment = Experiment(config, run, Path(scratch))
            if keras:
                experiment.start_keras()
            yield experiment


def _require_splits(file: sightkit_io.DatasetFile, config: Config) -> None:
    """Raise where a split that the run reads, the test at its very end, is not in the file."""
    for name in ("train", config.validation_split, "test"):
        file.rows(name)


class Experiment:
    """One run of a training script; made by ``start``.

    Attributes:
        config: the script's flags.
        run: its folder.
        data: of the last ``dataset`` or ``use``.
    """

    data: Data

    def __init__(self, config: Config, run: training.Run, scratch: Path) -> None:
        self.config = config
        self.run = run
        self._scratch = scratch
        self._begun = time.monotonic()
        self._matched = False

    def start_keras(self) -> None:
        """Start Keras quietly, and set seed and precision."""
        start_keras()
        training.prepare(seed=self.config.seed, precision=self.config.precision)

    def dataset(
        self,
        source: Callable[[], sightkit_io.ImageSource],
        preprocessors: Pipeline,
        *,
        fractions: Mapping[str, float],
    ) -> Data:
        """Build the dataset file, or open it where it exists; its hash is recorded.

        Arguments and errors are those of ``io.build_dataset``.
        """
        return self.use(
            sightkit_io.build_dataset(
                source,
                self.config.data,
                preprocessors=preprocessors,
                fractions=fractions,
                split_seed=self.config.split_seed,
                limit=self.config.limit,
            )
        )

    def built(self, side: int = 32) -> Data:
        """Open the dataset file of the script ``Config.builder``.

        Args:
            side: of the images, digits in colour, of a smoke run that finds no file.
        """
        if self.config.data.exists():
            return self.use(sightkit_io.DatasetFile.open(self.config.data))
        chain = Pipeline((ColourPreprocessor(), SimplePreprocessor(side, side)))
        fractions = {"train": 0.7, "validation": 0.15, "test": 0.15}
        return self.dataset(sightkit_io.digits, chain, fractions=fractions)

    def use(self, file: sightkit_io.DatasetFile) -> Data:
        """Use a dataset file, in a smoke run a few of its images; its hash is recorded.

        Raises:
            SightkitError: a file without training, validation or test images.
        """
        _require_splits(file, self.config)
        self.run.write_environment(data={"file": str(file.path.resolve()), "sha256": file.sha256})
        _, line = training.photo_chain(file)
        if line:
            warn(line)
        limit = self.config.limit
        if limit and max(last - first for first, last in file.splits.values()) > limit:
            file = self._few_of(file, limit)
        config = self.config
        self.data = Data(file, config.batch_size, config.seed, class_weights=config.class_weights)
        if config.size and file.shape[1:3] != config.size:
            resized = SimplePreprocessor(config.width, config.height)
            self.data.chain = Pipeline((resized, self.data.chain))
        return self.data

    def _few_of(self, file: sightkit_io.DatasetFile, limit: int) -> sightkit_io.DatasetFile:
        """Write rows from all over each split of a file as a file of the run's own."""
        path = self._scratch / file.path.name
        if not path.exists():
            parts = {
                name: np.unique(np.linspace(first, last - 1, limit).astype(np.int64))
                for name, (first, last) in file.splits.items()
            }
            sightkit_io.write_rows(path, file, parts, recipe={"few_of": file.sha256})
        return sightkit_io.DatasetFile.open(path)

    def steps(self, train: Sequence[Any]) -> int:
        """Return the number of steps of the whole training, for schedules."""
        return self.config.epochs * len(train)

    def fit(
        self, network: Any, train: Any, *, epochs: int = 0, **options: Any
    ) -> list[dict[str, float]]:
        """Train a compiled network, evaluated on the split for validation after each epoch.

        Args:
            network: compiled.
            train: of ``Data.training``, perhaps mixed (``training.MixUp``).
            epochs: those of the flags by default.
            **options: ``callbacks``, ``phase``, ``after`` and ``guard`` of ``training.fit``.

        Returns:
            The epochs' rows, as ``training.fit``.
        """
        self._match_channels(network, train)
        validation = self.data.evaluation(self.config.validation_split)
        epochs = epochs or self.config.epochs
        return training.fit(network, train, validation, run=self.run, epochs=epochs, **options)

    def _match_channels(self, network: Any, train: Any) -> None:
        """Turn a file's grey images to colour for a network that takes colour, and vice versa."""
        stored, taken = self.data.file.shape[-1], network.input_shape[-1]
        if stored == taken or taken not in (1, 3):
            return
        step = training.step_to(taken)
        if self.data.image_shape[-1] != taken:
            generator = getattr(train, "data", train)  # within mixed or softened labels
            self.data.chain = Pipeline((step, self.data.chain))
            generator.preprocessors = Pipeline((step, generator.preprocessors))
        if self._matched:  # in an earlier phase
            return
        self._matched = True
        warn(
            f"The images of {self.data.file.path.name} have {stored} channel(s) and the network "
            f"takes {taken}: they go through {type(step).__name__}, in training and prediction."
        )

    def report(
        self, network: Any, *, views: int = 1, pretrained: bool = False, **facts: Any
    ) -> dict[str, Any]:
        """Evaluate every split, the test images once; write report and bundle.

        Args:
            network: trained.
            views: of each image, whose answers are averaged: 10 for corners and centre, mirrored.
            pretrained: whether it began with trained weights.
            **facts: further entries of metrics.json, JSON.

        Returns:
            The contents of metrics.json.
        """
        from sightkit import evaluation, inference

        predictor: Any = inference.compile(network, images=views * self.data.file.shape[0])
        chain, batch = self.data.chain, self.data.evaluation_batch
        if views > 1:
            size, stored = self.data.image_shape[:2], self.data.file.shape[1:3]
            batch = evaluation.images_a_batch(predictor, views, size)
            chain = evaluation.with_views(chain, size, views, stored=stored)
            predictor, facts = evaluation.average_views(predictor), {"views": views, **facts}
        names = self.data.file.splits
        splits = {split: self.data.evaluation(split, chain, batch) for split in names}
        if self.run.lengths:  # the same weights come of the same lengths in turn
            facts = {"lengths": self.run.lengths, **facts}
        facts = {**training.facts(network, seed=self.config.seed), **facts}
        metrics = evaluation.report_run(
            self.run.folder, predictor, splits, facts, pretrained=pretrained
        )
        test = self.data.evaluation("test")
        training.save_run_bundle(self.run, network, data=test, metrics=metrics)
        self.run.tidy()
        if not self.config.smoke:
            ledger.record_run(self.run.folder, self._minutes())
        print(self.run.describe())
        return metrics

    def _minutes(self) -> float | None:
        """Return how long the run took; None where it was begun by another process."""
        return None if self.run.resumed else (time.monotonic() - self._begun) / 60
