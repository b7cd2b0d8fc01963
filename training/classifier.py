"""What every trained classifier of photos can be asked, whatever it is made of."""

from __future__ import annotations

import abc
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sightkit import io as sightkit_io
from sightkit._errors import SightkitError
from sightkit.training.bundle_format import CANARY, TOLERANCE

Photo = np.ndarray | str | os.PathLike[str]
"""uint8 (H, W, 3) in RGB order or (H, W, 1), 0-255; or the path of an image file."""


class Classifier(abc.ABC):
    """Photos in, probabilities out.

    Attributes:
        class_names: in the order of the probabilities.
        description: all of bundle.json.
    """

    class_names: tuple[str, ...]
    description: dict[str, Any]

    @property
    @abc.abstractmethod
    def images_a_batch(self) -> int:
        """How many photos are held in memory at once."""

    @abc.abstractmethod
    def _answer(self, images: list[np.ndarray]) -> np.ndarray:
        """Decoded images to float32 (N, classes)."""

    def predict(self, images: Sequence[Photo]) -> np.ndarray:
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
        size = self.images_a_batch
        parts = [
            self._answer([_decoded(image) for image in images[start : start + size]])
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

    def check_canary(self, folder: Path) -> None:
        """Ask for the picture that lies in the bundle's folder.

        Raises:
            SightkitError: the answer is not within 1e-3 of the one that was saved with it.
        """
        answer = self.predict([folder / CANARY])[0]
        expected = np.asarray(self.description["canary"], np.float32)
        difference = np.abs(answer - expected).max() if answer.shape == expected.shape else np.nan
        if not difference <= TOLERANCE:
            raise SightkitError(
                "A bundle must answer to the canary image as it did when it was saved.",
                "Network, weights or preprocessing have changed: do not trust this bundle.",
                bundle=str(folder),
                difference=float(difference),
            )


def _decoded(image: Photo) -> np.ndarray:
    if not isinstance(image, np.ndarray):
        return sightkit_io.read_image(image)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] not in (1, 3):
        raise SightkitError(
            "An image is uint8 (H, W, 3), RGB, or (H, W, 1), 0-255; the bundle scales it.",
            "Give the image as it was read, or the path of its file.",
            shape=image.shape,
            dtype=image.dtype,
        )
    return image
