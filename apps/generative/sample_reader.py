"""A classifier that reads samples: how sure it is, which classes it sees, and its features."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sightkit import _run_files, training, zoo
from sightkit._scripts import as_given
from sightkit.apps.generative.frechet import frechet_distance
from sightkit.apps.generative.gan_pictures import Pictures
from sightkit.apps.generative.picture_batches import LabelledBatches
from sightkit.preprocessing import ImageToArrayPreprocessor, Pipeline, SimplePreprocessor
from sightkit.training.run_folder import drop_checkpoints

SURE = 0.9
"""Probability from which on a sample counts as read."""
BATCH_SIZE, BATCH = 128, 256
"""Of the classifier's training, and of pictures that are read at once."""


@dataclass(frozen=True)
class ReaderRun(training.RunConfig):
    """What identifies the classifier's training; it goes on when the GAN's is resumed."""

    output: Path
    seed: int
    epochs: int
    resume: bool


@dataclass(frozen=True)
class SampleReader:
    """A classifier with its features.

    Attributes:
        bundle: that was loaded.
    """

    bundle: training.Bundle

    @property
    def class_names(self) -> tuple[str, ...]:
        """In label order."""
        return self.bundle.class_names

    def read(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Classify pictures.

        Args:
            images: uint8 (N, H, W, 1 or 3).

        Returns:
            Probabilities, float32 (N, classes); features, what the layer ``logits`` takes, float32
            (N, K).
        """
        inputs = np.stack([self.bundle.preprocessing(image) for image in images])
        features, probabilities = self._network.predict(inputs, batch_size=BATCH, verbose=0)
        return probabilities, features.reshape(len(images), -1)

    @functools.cached_property
    def _network(self) -> Any:
        import keras

        network = self.bundle.network
        return keras.Model(
            network.inputs, [network.get_layer("logits").input, network.outputs[0]], name="reader"
        )

    def compare(self, samples: np.ndarray, pictures: Pictures, *, seed: int) -> dict[str, Any]:
        """Compare samples with pictures that were not trained on.

        Args:
            samples: uint8 (N, H, W, C).
            pictures: real ones.
            seed: of the choice of training pictures.

        Returns:
            ``sure``: share of the samples that are read with a probability of 0.9 at least, and
            ``sure_real`` of test pictures; ``classes``: share of each class of all samples;
            ``frechet``: distance between samples and a half of the test pictures, and its floor
            ``frechet_floor``, that of as many training pictures from it, all of equal number.
        """
        test, train = pictures.images["test"], pictures.images["train"]
        count = min(len(samples), len(test) // 2, len(train))
        rng = np.random.default_rng(seed)  # MNIST's first half is the easier one
        test, train = (each[rng.permutation(len(each))[:count]] for each in (test, train))
        answers, features = self.read(samples)
        real_answers, real = self.read(test)
        _, trained = self.read(train)
        shares = np.bincount(answers.argmax(axis=1), minlength=len(self.class_names)) / len(answers)
        return {
            "sure": float((answers.max(axis=1) >= SURE).mean()),
            "sure_real": float((real_answers.max(axis=1) >= SURE).mean()),
            "classes": dict(zip(self.class_names, map(float, shares), strict=True)),
            "least_class": float(shares.min()),
            "frechet": frechet_distance(features[:count], real),
            "frechet_floor": frechet_distance(trained, real),
            "compared": count,
        }


def open_reader(
    bundle: str | os.PathLike[str] | None, pictures: Pictures, run: Path, *, seed: int, epochs: int
) -> SampleReader | None:
    """Return what reads the samples of a run.

    Args:
        bundle: of a classifier that was trained before; None for a LeNet that is trained on the
            training pictures, once, and stored in the run.
        pictures: with their labels.
        run: its folder.
        seed: of the classifier.
        epochs: of its training.

    Returns:
        The reader; None where no bundle is given and the pictures have no classes.
    """
    if bundle is not None:
        return SampleReader(training.load_bundle(bundle))
    if not pictures.class_names:
        return None
    place = run / _run_files.READER / _run_files.BUNDLE
    if not place.is_dir():
        _train_reader(pictures, run / _run_files.READER, place, seed=seed, epochs=epochs)
    return SampleReader(training.load_bundle(place))


def _train_reader(pictures: Pictures, folder: Path, place: Path, *, seed: int, epochs: int) -> None:
    """Train LeNet on the pictures' labels, resumable as all trainings, and write its bundle."""
    print(f"A LeNet that reads the samples is trained first, in {folder}.", flush=True)
    config = ReaderRun(folder, seed, epochs, resume=(folder / _run_files.CONFIG).is_file())
    training.prepare(seed=seed)
    height, width, _ = pictures.shape
    parts = {
        name: LabelledBatches(
            pictures.images[name], pictures.labels[name],
            batch_size=BATCH_SIZE, shuffle=name == "train", seed=seed,
        )
        for name in ("train", "validation", "test")
    }  # fmt: skip
    network = zoo.LeNet(pictures.shape, len(pictures.class_names))
    network.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    with training.Run.open(config, experiment="reader") as run:
        run.write_environment(data={"file": "labels", "sha256": parts["train"].sha256})
        training.fit(
            network, parts["train"], parts["validation"], run=run, epochs=epochs, preflight=False
        )
    _, accuracy = network.evaluate(parts["test"], verbose=0)
    chain = Pipeline((SimplePreprocessor(width, height), ImageToArrayPreprocessor()))
    training.save_bundle(
        place, network, preprocessing=chain, class_names=pictures.class_names,
        canary=pictures.images["validation"][0], metrics={"test": {"rank1": float(accuracy)}},
    )  # fmt: skip
    drop_checkpoints(folder)


def describe_reading(found: Mapping[str, Any]) -> str:
    """Return what the classifier saw, for the terminal."""
    least, most = min(found["classes"].values()), max(found["classes"].values())
    return as_given(
        f"The classifier reads {100 * found['sure']:.1f} % of the samples with a probability of "
        f"{SURE} or more, and {100 * found['sure_real']:.1f} % of test pictures; each class is "
        f"{100 * least:.1f} to {100 * most:.1f} % of the samples. Fréchet distance "
        f"{found['frechet']:.2f}, of training pictures {found['frechet_floor']:.2f}."
    )
