"""What answers photos, a classifier above all: prediction, canary, loading by kind of bundle."""

from __future__ import annotations

import abc
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sightkit import _files, inference, zoo
from sightkit import io as sightkit_io
from sightkit._display import in_notebook
from sightkit._errors import SightkitError, few
from sightkit._scripts import warn
from sightkit.training.bundle_format import CANARY, CLASSIFIERS, check_bundle, kind_of

LEAST = -12.0
"""Lower limit of the canary's log-probabilities: smaller ones compare as equal."""
TOLERANCE = 1e-2
"""Absolute, of the canary's log-probabilities: another engine moves them by less, a scale of
1/127.5 in place of 1/255 by more, however certain the network is."""

Photo = np.ndarray | str | os.PathLike[str]
"""uint8 (H, W, 3) in RGB order or (H, W, 1), 0-255; or the path of an image file."""


class OnPhotos(abc.ABC):
    """Photos in, a row of numbers a photo out.

    Attributes:
        description: all of bundle.json.
        folder: that it was loaded from; None where there is none.
    """

    description: dict[str, Any]
    folder: Path | None

    @property
    @abc.abstractmethod
    def columns(self) -> tuple[str, ...]:
        """Name of each number of a row."""

    @property
    @abc.abstractmethod
    def images_a_batch(self) -> int:
        """Number of photos in memory at once."""

    @abc.abstractmethod
    def _answer(self, images: list[np.ndarray]) -> np.ndarray:
        """Answer decoded images: float32 (N, columns)."""

    def predict(self, images: Photo | Sequence[Photo]) -> np.ndarray:
        """Answer images as they come: decoded and preprocessed exactly as in training.

        Args:
            images: uint8 arrays (H, W, 3) in RGB order or (H, W, 1), or paths of image files; a
                single one is a list of one.

        Returns:
            float32 (N, columns): of a classifier probabilities, a column a class.

        Raises:
            SightkitError: an array of another kind, or a file that is no image; it is named.
        """
        several, size = as_photos(images), self.images_a_batch
        parts = [
            self._answer([decoded(image) for image in several[start : start + size]])
            for start in range(0, len(several), size)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, len(self.columns)), np.float32)


class Classifier(OnPhotos):
    """Photos in, probabilities out.

    Attributes:
        class_names: in the order of the probabilities.
    """

    class_names: tuple[str, ...]

    def __repr__(self) -> str:
        origin = self.description.get("network")
        network = zoo.name_of(origin) if origin else ""
        classes = f"{len(self.class_names)} classes: {few(self.class_names)}"
        return f"<{' '.join([type(self).__name__, network]).strip()}, {classes}>"

    @in_notebook
    def _repr_html_(self) -> Iterator[str]:
        """What it is, its canary image and its measures, in a notebook."""
        from sightkit.training.shown import parts_of

        yield from parts_of(self)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the classes."""
        return self.class_names

    @abc.abstractmethod
    def facts(self) -> dict[str, str]:
        """Network, preprocessing and what else a notebook shows, by name."""

    def top(self, probabilities: np.ndarray, count: int) -> list[dict[str, float]]:
        """Return the most probable classes for each row of ``predict``'s answer, best first."""
        best = np.argsort(-probabilities, axis=1, kind="stable")[:, :count]
        return [
            {self.class_names[k]: float(row[k]) for k in order}
            for row, order in zip(probabilities, best, strict=True)
        ]

    def check_canary(self, folder: Path) -> None:
        """Compare the answer to the canary image in the bundle's folder with the stored one.

        Raises:
            SightkitError: a log-probability is not within 1e-2 of the one that was saved.
        """
        require_canary(self.predict([folder / CANARY])[0], self.description["canary"], folder)


def load_by_kind(
    folder: str | os.PathLike[str], kinds: Collection[str] = CLASSIFIERS, **options: Any
) -> Any:
    """Check a bundle, load it by its kind and compare its answer to the canary.

    Args:
        folder: of the bundle.
        kinds: those that can be used; classifiers of photos by default.
        **options: of the kind's ``open``.
    """
    folder = Path(folder)
    description = check_bundle(folder, kinds)
    classifier = kind_of(description["kind"]).open(folder, description, **options)
    classifier.check_canary(folder)
    return classifier


def compile_ahead(load: Callable[..., Classifier], folder: str | os.PathLike[str]) -> None:
    """Compile a new bundle where OpenVINO is installed, so that its first answer is quick.

    The compiled form is in the user's cache, and the canary is compared. Errors are warnings: the
    training is over, and its results are still to be written.

    Args:
        load: ``training.load_bundle`` or ``transfer.load``.
        folder: of the bundle.
    """
    if not inference.openvino_installed():
        return
    try:
        load(folder, cache=_files.user_cache("compiled"))
    except SightkitError as error:
        warn(f"The bundle is written, but cannot be used: {error}")


def canary_difference(answer: np.ndarray, expected: np.ndarray) -> float:
    """Return the largest difference of log-probabilities, clipped at -12; NaN for other shapes."""
    if answer.shape != expected.shape:
        return float("nan")
    logs = [np.log(np.maximum(each, np.exp(LEAST))) for each in (answer, expected)]
    return float(np.abs(logs[0] - logs[1]).max())


def require_canary(
    answer: np.ndarray, stored: Sequence[float], folder: Path, what: str = "bundle"
) -> None:
    """Raise unless the answer to a bundle's canary image, probabilities, is the stored one.

    ``what`` is in the folder, for the message.

    Raises:
        SightkitError: a log-probability is not within 1e-2 of the one that was saved.
    """
    difference = canary_difference(answer, np.asarray(stored, np.float32))
    if not difference <= TOLERANCE:
        raise changed_canary(what, folder, difference)


def changed_canary(what: str, folder: Path, difference: float) -> SightkitError:
    """Return the error of what no longer answers its canary image as it did; it is in a folder."""
    return SightkitError(
        f"The {what} must answer to the canary image as it did when it was saved.",
        f"Network, weights or preprocessing have changed: do not trust this {what}.",
        **{what: str(folder)},
        difference=difference,
    )


def as_photos(images: Photo | Sequence[Photo]) -> Sequence[Photo]:
    """Return photos as they are given, a single one as a list of one."""
    alone = isinstance(images, np.ndarray) and images.ndim < 4
    several: Any = [images] if alone or isinstance(images, str | os.PathLike) else images
    if not hasattr(several, "__getitem__"):
        raise SightkitError(
            "Photos are arrays, uint8 (H, W, C), paths of image files, or a list of them.",
            'For example predict(["photo.jpg"]).',
            images=several,
        )
    return several


def decoded(image: Photo) -> np.ndarray:
    """Return a photo as uint8 (H, W, C): an array as it is, a file read.

    Raises:
        SightkitError: an array of another kind, or a file that is no image; it is named.
    """
    if isinstance(image, str | os.PathLike):
        return sightkit_io.read_image(image)
    if not isinstance(image, np.ndarray) or not _is_image(image):
        raise SightkitError(
            "An image is uint8 (H, W, 3), RGB, or (H, W, 1), 0-255; the network's chain scales it.",
            "Give the image as it was read, or the path of its file.",
            shape=getattr(image, "shape", None),
            dtype=getattr(image, "dtype", type(image).__name__),
        )
    return image


def _is_image(array: np.ndarray) -> bool:
    return array.dtype == np.uint8 and array.ndim == 3 and array.shape[2] in (1, 3)
