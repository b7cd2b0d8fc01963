"""An experiment from its flags to its report."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sightkit import io as sightkit_io
from sightkit import training
from sightkit._keras import start_keras
from sightkit._scripts import warn
from sightkit.experiments import ledger
from sightkit.experiments.config import Config
from sightkit.experiments.data import Data, open_built, used_part
from sightkit.experiments.estimate import in_words, seconds_of
from sightkit.experiments.flags.inputs import to_floats
from sightkit.experiments.flags.labels import loss_of, make_labels, require_end
from sightkit.experiments.flags.network import begin
from sightkit.experiments.flags.observation import make_callbacks, report_findings
from sightkit.experiments.flags.optimizer import make_optimizer, use_better_average
from sightkit.experiments.flags.schedule import schedule_callbacks
from sightkit.preprocessing import ColourPreprocessor, Pipeline, Preprocessor, SimplePreprocessor

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
            _require_splits(open_built(config), config)
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
        self._begun, self._trained = time.monotonic(), 0.0
        self._initialized = False
        self._of_the_rate: list[Any] = []

    def start_keras(self) -> None:
        """Start Keras quietly, and set seed and precision."""
        config = self.config
        start_keras(config.connect)
        training.prepare(seed=config.seed, precision=config.precision)

    def dataset(
        self,
        source: Callable[[], sightkit_io.ImageSource] | None = None,
        preprocessors: Pipeline | None = None,
        *,
        fractions: Mapping[str, float] | None = None,
    ) -> Data:
        """Build the dataset file, or open it where it exists; its hash is recorded.

        Arguments and errors are those of ``io.build_dataset``. By default the images and their
        preprocessing are those of ``Config``, the fractions those of the flags; a smoke run takes
        digits, which need no download.
        """
        config = self.config
        images = source or (sightkit_io.digits if config.smoke else config.source)
        if config.end == "sigmoid" and not config.data.exists():
            require_end(config, len(images().class_names))
        with training.group().first_before_others():
            file = sightkit_io.build_dataset(
                images,
                config.data,
                preprocessors=preprocessors or config.preprocessors,
                fractions=fractions or config.shares,
                split_seed=config.split_seed,
                limit=config.limit,
            )
        return self.use(file)

    def built(self, side: int = 32) -> Data:
        """Open the dataset file of the script ``Config.builder``.

        Args:
            side: of the images, digits in colour, of a smoke run that finds no file.
        """
        if self.config.data.exists():
            return self.use(sightkit_io.DatasetFile.open(self.config.data))
        chain = Pipeline((ColourPreprocessor(), SimplePreprocessor(side, side)))
        return self.dataset(sightkit_io.digits, chain)

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
        file = used_part(file, self.config, self._scratch)
        config = self.config
        self.data = Data(file, config.batch_size, config.seed, class_weights=config.class_weights)
        resize = ()
        if config.size and file.shape[1:3] != config.size:
            resize = (SimplePreprocessor(config.width, config.height),)
        self.data.chain = Pipeline((*resize, *self.to_floats(*resize)))
        return self.data

    def to_floats(self, resize: Preprocessor | None = None) -> tuple[Preprocessor, ...]:
        """Return the last steps of a chain, by ``--mean``, after one to the network's size."""
        return to_floats(self.config, self.data.file, resize)

    def network(self, builder: Callable[..., Any], **arguments: Any) -> Any:
        """Build a classifier of the data's images; those of ``--arguments`` win.

        Args:
            builder: of the zoo, ``zoo.LeNet``.
            **arguments: the script's.
        """
        end = {} if self.config.end == "softmax" else {"end": self.config.end}
        given = {**arguments, **end, **self.config.builder_arguments}
        return builder(self.data.image_shape, self.data.classes, **given)

    def training(self, chain: Preprocessor | None = None) -> Any:
        """Return the training images, shuffled, and varied by ``Config.augmentation``.

        ``chain`` is the preprocessing after the variation; the evaluation chain by default, and
        always with ``--no-augment``.
        """
        if not self.config.augment:
            return self.data.training()
        return self.data.training(self.config.augmentation(*self.data.file.shape[1:3]), chain)

    def compile(self, network: Any, train: Any, optimizer: Any = None) -> None:
        """Give a classifier its first weights, loss and optimizer, as the flags are.

        Args:
            network: built.
            train: of ``training``.
            optimizer: of one phase of several, in place of that of the flags.
        """
        config = self.config
        self.data.match_channels(network, train)
        if not self._initialized:
            self._initialized = True
            begin(config, network, train, self.data.file.class_names, seed=config.seed)
        self._of_the_rate = [] if optimizer else schedule_callbacks(config)
        optimizer = optimizer or make_optimizer(config, config.epochs, len(train), config.seed)
        network.compile(optimizer, **{**CLASSIFICATION, "loss": loss_of(config)})

    def report_time(self, network: Any, train: Any) -> None:
        """Print how long the training will take, by a few of its steps; nothing is changed.

        Args:
            network: compiled.
            train: of ``training``.
        """
        if self.run.resumed or self.config.smoke:
            return
        first, last = self.data.file.rows(self.config.validation_split)
        labelled = make_labels(self.config, train, self.data.classes, seed=self.config.seed)
        seconds = seconds_of(network, labelled, last - first, self.config.epochs)
        print(f"time: about {in_words(seconds)}, epochs: {self.config.epochs}", flush=True)

    def fit(
        self,
        network: Any,
        train: Any,
        *,
        epochs: int = 0,
        callbacks: Sequence[Any] = (),
        **options: Any,
    ) -> list[dict[str, float]]:
        """Train a compiled network, evaluated on the split for validation after each epoch.

        Args:
            network: compiled.
            train: of ``training``.
            epochs: those of the flags by default.
            callbacks: beside those of the flags.
            **options: ``phase``, ``after`` and ``guard`` of ``training.fit``.

        Returns:
            The epochs' rows, as ``training.fit``.
        """
        self.data.match_channels(network, train)
        config, classes = self.config, self.data.classes
        checkpoints = self.run.checkpoints(options.get("phase", ""))
        watching = make_callbacks(config, self.run.folder, checkpoints, train)
        train = make_labels(config, train, classes, seed=config.seed)
        validation = make_labels(config, self.data.evaluation(config.validation_split), classes)
        begun = time.monotonic()
        rows = training.fit(
            network,
            train,
            validation,
            run=self.run,
            epochs=epochs or config.epochs,
            callbacks=[*watching, *self._of_the_rate, *callbacks],
            **options,
        )
        self._trained += time.monotonic() - begun
        report_findings(watching)
        if hasattr(network.optimizer, "averaged"):
            use_better_average(network, train, validation)
        return rows

    def report(
        self,
        network: Any,
        *,
        views: int = 1,
        sure: float | None = None,
        pretrained: bool = False,
        **facts: Any,
    ) -> dict[str, Any]:
        """Evaluate every split, the test images once; write report and bundle.

        Of several processes the first does, and the others end here.

        Args:
            network: trained; of one with a sigmoid a class each is divided by the sum of all.
            views: of each image, whose answers are averaged: 10 for corners and centre, mirrored.
            sure: probability from which one view is enough.
            pretrained: whether it began with trained weights.
            **facts: further entries of metrics.json, JSON.

        Returns:
            The contents of metrics.json.
        """
        from sightkit import evaluation, inference, zoo

        if not training.group().is_first:
            sys.exit()
        self.run.write_training_seconds(self._trained)

        network = zoo.with_normalized_sigmoids(network)
        predictor: Any = inference.compile(network, images=views * self.data.file.shape[0])
        chain, batch = self.data.chain, self.data.evaluation_batch
        once = None
        if views > 1:
            if sure is None:
                once = evaluation.evaluate(predictor, self.data.evaluation("test"), timed=True)
            size, stored = self.data.image_shape[:2], self.data.file.shape[1:3]
            batch = evaluation.images_a_batch(predictor, views, size)
            chain = evaluation.with_views(chain, size, views, stored=stored)
            predictor, facts = (
                evaluation.average_views(predictor, sure=sure),
                {"views": views, **facts},
            )
        names = self.data.file.splits
        splits = {split: self.data.evaluation(split, chain, batch) for split in names}
        if self.run.lengths:  # the same weights come of the same lengths in turn
            facts = {"lengths": self.run.lengths, **facts}
        facts = {**training.facts(network, seed=self.config.seed), **facts}
        metrics = evaluation.report_run(
            self.run.folder,
            predictor,
            splits,
            facts,
            floor=self.config.human_error,
            floor_source="--human-error",
            pretrained=pretrained or self.config.weights is not None,
            once=once,
        )
        test = self.data.evaluation("test")
        training.save_run_bundle(self.run, network, data=test, metrics=metrics)
        self.run.tidy()
        if not self.config.smoke:
            # Of a resumed run another process knew when it began.
            minutes = None if self.run.resumed else (time.monotonic() - self._begun) / 60
            ledger.record_run(self.run.folder, minutes)
        print(self.run.describe())
        return metrics
