"""The bundle of a network: what a trained network is, as data, never code."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from sightkit import inference, zoo
from sightkit import io as sightkit_io
from sightkit.preprocessing import Preprocessor, from_config
from sightkit.training.bundle_format import CANARY, NETWORK, TRAINING_ROWS, WEIGHTS, damaged
from sightkit.training.classifier import Classifier, load_by_kind


@dataclass(frozen=True)
class Bundle(Classifier):
    """A network with everything that belongs to it; made by ``load_bundle``.

    Attributes:
        network: plain Keras model in float32.
        predictor: preprocessed (N, H, W, C) float32 to (N, classes) float32; by Keras, or by the
            engine that ``load_bundle`` was given a number of images for.
        preprocessing: image, uint8 RGB or grey of any size, to what the predictor takes.
        class_names: in the order of the predictor's outputs.
        description: all of bundle.json.
        training_rows: the images that it was trained on, or None where that is not known.
    """

    network: keras.Model
    predictor: inference.Predictor
    preprocessing: Preprocessor
    class_names: tuple[str, ...]
    description: dict[str, Any]
    training_rows: sightkit_io.Manifest | None = None

    @property
    def images_a_batch(self) -> int:
        """As many as the predictor takes."""
        return self.predictor.batch_size

    def _answer(self, images: list[np.ndarray]) -> np.ndarray:
        return self.predictor(np.stack([self.preprocessing(image) for image in images]))


def load_bundle(
    folder: str | os.PathLike[str],
    *,
    images: int | None = None,
    cache: str | os.PathLike[str] | None = None,
) -> Bundle:
    """Build the network that a bundle describes, and check that it answers as when it was saved.

    Only builders of the zoo are called and only weights are read: nothing in a bundle is code.

    Args:
        folder: of the bundle.
        images: how many are to be answered, see ``inference.compile``; the engine is compared with
            Keras on the canary image and noise. Without a number Keras answers, always.
        cache: folder where the converted network is saved for the next process.

    Raises:
        SightkitError: no bundle or one of another kind, a damaged file, an unknown builder or
            preprocessor, or an answer to the canary image that differs by more than 1e-2 in a
            log-probability.
    """
    open_network = functools.partial(open_checked, images=images, cache=cache)
    return load_by_kind(folder, {NETWORK: open_network})


def open_checked(
    folder: Path,
    description: dict[str, Any],
    *,
    images: int | None = None,
    cache: str | os.PathLike[str] | None = None,
) -> Bundle:
    """Build the network of a bundle that ``check_bundle`` has checked; not yet its canary."""
    network = zoo.build(
        description["network"]["builder"],
        precision="float32",
        **description["network"]["arguments"],
    )
    if network.output_shape[-1] != len(description["class_names"]):
        raise damaged(folder, "it names more or fewer classes than the network tells apart")
    zoo.load_weights(network, folder / WEIGHTS)
    chain = from_config(description["preprocessing"])
    canary = None
    if images is not None:
        canary = chain(sightkit_io.read_image(folder / CANARY))[np.newaxis]
    return Bundle(
        network=network,
        predictor=inference.compile(network, images=images, examples=canary, cache=cache),
        preprocessing=chain,
        class_names=tuple(description["class_names"]),
        description=description,
        training_rows=_training_rows(folder, description),
    )


def _training_rows(folder: Path, description: Mapping[str, Any]) -> sightkit_io.Manifest | None:
    about = description.get("training_rows")
    if TRAINING_ROWS not in description["files"] or not isinstance(about, dict):
        return None
    return sightkit_io.Manifest.read(folder / TRAINING_ROWS, about.get("preprocessing", {}))
