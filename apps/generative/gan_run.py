"""The training of a GAN, from its flags to the bundle of its generator."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sightkit import _files, _run_files, training, zoo
from sightkit._scripts import as_given, warn
from sightkit.apps.generative.gan_flags import GanFlags
from sightkit.apps.generative.gan_pictures import Pictures
from sightkit.apps.generative.latent import draw_latents, walk

if TYPE_CHECKING:
    import keras

    from sightkit.apps.generative.gan import GAN

SHOWN, COLUMNS = 100, 10
"""Samples of a sheet."""
WALKS, ENDS, STEPS = 16, 4, 12
"""Walks of the moving sheet, latent vectors of each, and steps between two."""
ROWS = 8
"""Walks of the sheet that stands still, each from one vector to another."""
SHEET_SEED, WALK_SEED, EVALUATION_SEED = 101, 102, 103
GATHERED = 5_000
"""Training pictures whose batches give the mean of the weights its batch statistics."""
PHASE = "last"
"""Folder of the newest weights, beside those with the lowest loss, which mean nothing here."""
NO_LIMIT = 1e9
"""Multiple of the first loss that stops the training: the losses of a GAN may climb."""
FOR_GENERATOR = "the generator, for scripts/generative/sample_dcgan.py"


@contextlib.contextmanager
def start_gan(config: GanFlags, script: str | os.PathLike[str]) -> Iterator[GanRun]:
    """Read the pictures and lock the run folder; no Keras yet.

    Raises:
        SightkitError: as ``read_gan_pictures`` and ``training.Run.open``.
    """
    pictures = config.read_pictures()
    with training.Run.open(config, experiment=Path(script).stem) as run:
        run.write_environment(data={"file": config.data.name, "sha256": pictures.sha256})
        yield GanRun(config, run, pictures)


class GanRun:
    """One training; made by ``start_gan``.

    Attributes:
        config: the script's flags.
        run: its folder.
        pictures: those that are learned from.
    """

    def __init__(self, config: GanFlags, run: training.Run, pictures: Pictures) -> None:
        self.config = config
        self.run = run
        self.pictures = pictures

    def network(self) -> GAN:
        """Set seed and precision; return both networks as one, compiled."""
        from sightkit.apps.generative.gan import GAN, gan_optimizer

        config, hidden = self.config, self.config.dense or None
        training.prepare(seed=config.seed, precision=config.precision)
        generator = zoo.DCGANGenerator(
            self.pictures.shape, noise=config.latent, hidden=hidden,
            filters=config.filters, kernel=config.kernel,
        )  # fmt: skip
        discriminator = zoo.DCGANDiscriminator(
            self.pictures.shape, filters=config.filters[::-1], hidden=hidden,
            kernel=config.kernel, dropout=config.dropout,
            normalization="batch" if config.normalize_discriminator else None,
        )  # fmt: skip
        gan = GAN(
            generator, discriminator, noise=config.noise,
            smoothing=config.smoothing, label_noise=config.label_noise, seed=config.seed,
        )  # fmt: skip
        gan.compile(
            gan_optimizer(
                gan, config.learning_rate,
                discriminator_rate=config.discriminator_rate, average=config.average,
            )
        )  # fmt: skip
        return gan

    def fit(self, gan: GAN, *, callbacks: Sequence[Any] = ()) -> None:
        """Train, with a sheet of samples an epoch; the networks end with their newest weights, or
        with the mean of those of all steps.

        Raises:
            Diverged: the loss or a weight became NaN; the last good sheet is named on stderr.
        """
        from sightkit.apps.generative.gan_callbacks import BalanceAdvice, LastWeights, SampleSheets
        from sightkit.apps.generative.picture_batches import PictureBatches
        from sightkit.callbacks import Diverged, StopOnDivergence

        config, run, images = self.config, self.run, self.pictures.images
        train = PictureBatches(
            images["train"], batch_size=config.batch_size, shuffle=True, seed=config.seed
        )
        validation = PictureBatches(images["validation"], batch_size=config.batch_size)
        last = LastWeights(run.checkpoints(PHASE) / _run_files.BEST_WEIGHTS)
        sheets = SampleSheets(run.path(_run_files.SAMPLES), self._latents(SHOWN, SHEET_SEED))
        advice = BalanceAdvice(dropout=config.dropout, rate=config.discriminator_rate)
        guard = StopOnDivergence(train, best=last, factor=NO_LIMIT)
        begin, cpu = time.monotonic(), time.process_time()
        try:
            training.fit(
                gan, train, validation, run=run, epochs=config.epochs, preflight=False, guard=False,
                callbacks=[*[guard] * (config.guard == "on"), sheets, last, advice, *callbacks],
            )  # fmt: skip
        except Diverged:
            if sheets.latest is not None:
                warn(f"The last good samples are {sheets.latest}.")
            raise
        run.write_training_seconds(time.monotonic() - begin, time.process_time() - cpu)
        last.set_model(gan)
        last.restore()
        if config.average:
            some = images["train"][:GATHERED]
            training.use_average(gan, PictureBatches(some, batch_size=config.batch_size))

    def report(self, gan: GAN) -> dict[str, Any]:
        """Draw samples and walks, evaluate the samples, write metrics and bundle."""
        from sightkit.apps.generative.frechet import mean_distance
        from sightkit.apps.generative.generator_bundle import draw_pictures, save_generator
        from sightkit.apps.generative.sample_reader import describe_reading, open_reader
        from sightkit.apps.generative.sample_sheet import write_sheet

        config, run = self.config, self.run
        metrics = training.facts(gan.generator, seed=config.seed)
        del metrics["penalty"]
        metrics["discriminator_parameters"] = gan.discriminator.count_params()
        generator = zoo.rebuild(zoo.origin(gan.generator))  # in float32
        generator.set_weights(gan.generator.get_weights())
        samples = draw_pictures(generator, self._latents(config.samples, EVALUATION_SEED))
        write_sheet(run.path(_run_files.SAMPLES_SHEET), samples[:SHOWN], COLUMNS)
        self._draw_walks(generator)
        real = mean_distance(self.pictures.images["test"])
        test: dict[str, Any] = {"count": len(samples), "diversity": mean_distance(samples) / real}
        reader = open_reader(
            config.classifier, self.pictures, run.folder,
            seed=config.seed, epochs=config.classifier_epochs,
        )  # fmt: skip
        if reader is not None:
            found = reader.compare(samples, self.pictures, seed=config.seed)
            print(describe_reading(found))
            test |= found
        metrics["train"] = {"count": len(self.pictures.images["train"])}
        metrics["test"] = test
        _files.write_json(run.path(_run_files.METRICS), metrics)
        save_generator(
            run.path(_run_files.BUNDLE), generator, noise=config.noise,
            metrics={"test": test}, training=run.config,
        )  # fmt: skip
        run.tidy()
        print(
            f"Samples differ from each other by {100 * test['diversity']:.0f} % of what test "
            "pictures do."
        )
        print(as_given(run.describe(FOR_GENERATOR)))
        return metrics

    def _latents(self, count: int, seed: int) -> np.ndarray:
        return draw_latents(count, self.config.latent, noise=self.config.noise, seed=seed)

    def _draw_walks(self, generator: keras.Model) -> None:
        """Write a sheet of walks from one latent vector to another, and a GIF of round tours."""
        from sightkit.apps.generative.generator_bundle import draw_pictures
        from sightkit.apps.generative.sample_sheet import sheet, write_gif, write_sheet

        ends = self._latents(WALKS * ENDS, WALK_SEED).reshape(WALKS, ENDS, -1)
        tours = np.concatenate([walk(each, STEPS, noise=self.config.noise) for each in ends])
        pictures = draw_pictures(generator, tours)
        pictures = pictures.reshape(WALKS, ENDS * STEPS, *pictures.shape[1:])
        still = np.concatenate(pictures[:ROWS, : STEPS + 1])
        write_sheet(self.run.path(_run_files.WALK), still, STEPS + 1)
        frames = [sheet(moment, 4) for moment in np.swapaxes(pictures, 0, 1)]
        write_gif(self.run.path(_run_files.WALK_GIF), frames)
