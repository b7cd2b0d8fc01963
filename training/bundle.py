"""What a trained network is, as data, never code."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from sightkit import inference, zoo
from sightkit import io as sightkit_io
from sightkit._errors import SightkitError
from sightkit.preprocessing import Preprocessor, from_config
from sightkit.training.bundle_format import (
    CANARY,
    TOLERANCE,
    TRAINING_ROWS,
    WEIGHTS,
    build_float32,
    check_bundle,
    damaged,
)


@dataclass(frozen=True)
class Bundle:
    """A network with everything that belongs to it; made by ``load_bundle``.

    Attributes:
        network: plain Keras model in float32.
        predictor: preprocessed (N, H, W, C) float32 to (N, classes) float32.
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

    def predict(self, images: Sequence[np.ndarray | str | os.PathLike[str]]) -> np.ndarray:
        """Classify images as they come: decoded and preprocessed exactly as in training.

        Args:
            images: uint8 arrays (H, W, 3) in RGB order or (H, W, 1), or paths of image files.

        Returns:
            float32 (N, classes), probabilities.

        Raises:
            SightkitError: an array of another kind, or a file that is no image; it is named.
        """
        if isinstance(images, (str, os.PathLike)):
            raise SightkitError(
                "predict takes a list of images.", "Put the path into a list.", images=str(images)
            )
        size = self.predictor.batch_size
        parts = [
            self.predictor(
                np.stack([self._prepare(image) for image in images[start : start + size]])
            )
            for start in range(0, len(images), size)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, len(self.class_names)), np.float32)

    def top(self, probabilities: np.ndarray, count: int) -> list[dict[str, float]]:
        """For each row of ``predict``'s answer the most probable classes, the first first."""
        best = np.argsort(-probabilities, axis=1, kind="stable")[:, :count]
        return [
            {self.class_names[k]: float(row[k]) for k in order}
            for row, order in zip(probabilities, best, strict=True)
        ]

    def _prepare(self, image: np.ndarray | str | os.PathLike[str]) -> np.ndarray:
        if not isinstance(image, np.ndarray):
            image = sightkit_io.read_image(image)
        elif image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] not in (1, 3):
            raise SightkitError(
                "An image is uint8 (H, W, 3), RGB, or (H, W, 1), 0-255; the bundle scales it.",
                "Give the image as it was read, or the path of its file.",
                shape=image.shape,
                dtype=image.dtype,
            )
        return self.preprocessing(image)


def format_top(answers: Mapping[str, Mapping[str, float]]) -> str:
    """Pictures and their most probable classes, as lines for the terminal."""
    lines = []
    for picture, classes in answers.items():
        lines.append(picture.encode("utf-8", "replace").decode())  # a name may be no text
        lines += [f"  {100 * share:6.2f} %  {name}" for name, share in classes.items()]
    return "\n".join(lines)


def load_bundle(
    folder: str | os.PathLike[str], *, cache: str | os.PathLike[str] | None = None
) -> Bundle:
    """Build the network that a bundle describes, and check that it still says what it said.

    Only builders of the zoo are called and only weights are read: nothing in a bundle is code.

    Args:
        folder: of the bundle.
        cache: folder where its fast form is kept for the next process, see ``inference.compile``.

    Raises:
        SightkitError: no bundle, a damaged file, an unknown builder or preprocessor, or an answer
            to the canary image that differs by more than 1e-3.
    """
    folder = Path(folder)
    description = check_bundle(folder)
    network = build_float32(description["network"])
    if network.output_shape[-1] != len(description["class_names"]):
        raise damaged(folder, "it names more or fewer classes than the network tells apart")
    zoo.load_weights(network, folder / WEIGHTS)
    bundle = Bundle(
        network=network,
        predictor=inference.compile(network, cache=cache),
        preprocessing=from_config(description["preprocessing"]),
        class_names=tuple(description["class_names"]),
        description=description,
        training_rows=_training_rows(folder, description),
    )
    _check_canary(folder, bundle)
    return bundle


def _training_rows(folder: Path, description: Mapping[str, Any]) -> sightkit_io.Manifest | None:
    about = description.get("training_rows")
    if TRAINING_ROWS not in description["files"] or not isinstance(about, dict):
        return None
    return sightkit_io.Manifest.read(folder / TRAINING_ROWS, about.get("preprocessing", {}))


def _check_canary(folder: Path, bundle: Bundle) -> None:
    answer = bundle.predict([folder / CANARY])[0]
    expected = np.asarray(bundle.description["canary"], np.float32)
    difference = float(np.abs(answer - expected).max()) if answer.shape == expected.shape else None
    if difference is None or not difference <= TOLERANCE:
        raise SightkitError(
            "The network must answer to the canary image as it did when it was saved.",
            "Network, weights or preprocessing have changed: do not trust this bundle.",
            bundle=str(folder),
            difference=difference,
        )
