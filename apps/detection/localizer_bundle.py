"""The bundle of a localizer: photos in, one box each out; its canary is a picture with its box."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sightkit import _files, inference, zoo
from sightkit import io as sightkit_io
from sightkit._errors import SightkitError
from sightkit._network import save_weights
from sightkit._schema import Sha256, Whole
from sightkit.apps.detection import detector_entry  # noqa: F401 - lets the zoo build it
from sightkit.apps.detection.detections import Detections, DetectionsJson
from sightkit.apps.detection.detector_bundle import difference
from sightkit.preprocessing import Preprocessor, from_config
from sightkit.training.bundle_format import (
    CANARY,
    WEIGHTS,
    Description,
    Kind,
    damaged,
    write_bundle,
)
from sightkit.training.classifier import Photo, decoded, load_by_kind

if TYPE_CHECKING:
    import keras

LOCALIZER = "localizer"
BATCH_SIZE = 32
SMALLEST = 1e-3
"""Least side of a box, as a share of the picture: a detection has an area."""


class LocalizerDescription(Description):
    """The bundle.json of a localizer."""

    network: zoo.Origin
    preprocessing: dict[str, Any]
    detections: DetectionsJson
    parameters: Whole
    weights_sha256: Sha256


@dataclass(frozen=True, repr=False)
class LocalizerBundle:
    """A localizer with its preprocessing and class names; made by ``load_localizer``.

    Attributes:
        build: returns ``network``, built when it is first used.
        predictor: float32 (N, H, W, C) to the network's output.
        preprocessing: a decoded picture to what the network takes.
        class_names: in label order.
        description: all of bundle.json.
        folder: that it was loaded from.
    """

    build: Callable[[], keras.Model]
    predictor: inference.Predictor
    preprocessing: Preprocessor
    class_names: tuple[str, ...]
    description: dict[str, Any]
    folder: Path

    @functools.cached_property
    def network(self) -> keras.Model:
        """Plain Keras model in float32."""
        return self.build()

    def __repr__(self) -> str:
        return f"<LocalizerBundle, {len(self.class_names)} classes>"

    def predict(self, images: Photo | Sequence[Photo]) -> list[Detections]:
        """Say what photos show, and where.

        Args:
            images: uint8 arrays (H, W, 3) in RGB order or (H, W, 1), or paths of image files; a
                single one is a list of one.

        Returns:
            A ``Detections`` a photo with one box: that of the most probable class, whose
            probability is the score.

        Raises:
            SightkitError: an array of another kind, or a file that is no image; it is named.
        """
        alone = isinstance(images, np.ndarray) and images.ndim < 4
        several: Any = [images] if alone or isinstance(images, str | os.PathLike) else images
        found: list[Detections] = []
        for start in range(0, len(several), BATCH_SIZE):
            photos = [decoded(image) for image in several[start : start + BATCH_SIZE]]
            outputs = self.predictor(np.stack([self.preprocessing(photo) for photo in photos]))
            for output, photo in zip(outputs, photos, strict=True):
                found.append(detection_of(output, photo.shape[:2], self.class_names))
        return found

    def check_canary(self, folder: Path) -> None:
        """Compare what is found in the canary picture with what was found when it was saved.

        Raises:
            SightkitError: another class, a box that has moved by more than a pixel, or a score by
                more than 0.02.
        """
        stored = Detections.from_json(self.description["detections"], self.class_names)
        (found,) = self.predict([folder / CANARY])
        if reason := difference(stored, found):
            raise SightkitError(
                "A bundle must find in the canary picture what it found when it was saved.",
                "Network, weights or preprocessing have changed: do not trust this bundle.",
                bundle=str(folder), reason=reason,
            )  # fmt: skip


def answers_of(outputs: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the logits, (N, classes), and the box of the best class, (N, 4), shares in 0 to 1."""
    logits, boxes = outputs[:, :classes], outputs[:, classes:].reshape(len(outputs), -1, 4)
    best = logits.argmax(axis=1) if boxes.shape[1] > 1 else np.zeros(len(outputs), np.int64)
    return logits, boxes[np.arange(len(outputs)), best].clip(0, 1)


def detection_of(
    output: np.ndarray, size: tuple[int, int], class_names: tuple[str, ...]
) -> Detections:
    """Return the box of one output of a localizer in a picture of (height, width)."""
    (logits,), (box,) = answers_of(output[None].astype(np.float64), len(class_names))
    shares = np.exp(logits - logits.max())
    shares /= shares.sum()
    low = np.minimum(box[:2], 1 - SMALLEST)
    corners = np.concatenate([low, np.maximum(box[2:], low + SMALLEST)])
    height, width = size
    label = int(shares.argmax())
    return Detections(
        (corners * (width, height, width, height))[None],
        shares[[label]],
        np.array([label]),
        class_names,
    )


def save_localizer(
    folder: str | os.PathLike[str],
    network: keras.Model,
    preprocessing: Preprocessor,
    class_names: Sequence[str],
    canary: np.ndarray,
    *,
    metrics: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
) -> Path:
    """Write the bundle of a localizer; an existing folder is replaced once the new one is complete.

    Args:
        folder: of the bundle.
        network: made by ``Localizer``, trained; saved as a float32 network.
        preprocessing: a decoded picture to what the network takes.
        class_names: in label order.
        canary: a picture, uint8 (H, W, 3); what is found in it is stored, and compared whenever
            the bundle is loaded.
        metrics: of the evaluation, JSON.
        training: facts of the training, JSON.

    Returns:
        The folder.

    Raises:
        SightkitError: a network of another builder.
    """
    from sightkit.training.state import weights_sha256

    origin, names = zoo.origin(network), tuple(class_names)
    saved = zoo.rebuild(origin)
    saved.set_weights(network.get_weights())
    output = np.asarray(saved(preprocessing(canary)[None], training=False), np.float32)[0]
    found = detection_of(output, canary.shape[:2], names)

    def write(place: Path) -> dict[str, Any]:
        save_weights(saved, place / WEIGHTS)
        sightkit_io.write_png(place / CANARY, canary)
        return {
            "network": origin,
            "class_names": list(names),
            "preprocessing": preprocessing.to_config(),
            "training": dict(training or {}),
            "metrics": dict(metrics or {}),
            "parameters": saved.count_params(),
            "weights_sha256": weights_sha256(saved),
            "canary": [float(logit) for logit in output[: len(names)]],
            "detections": found.to_json(CANARY),
        }

    return write_bundle(folder, LOCALIZER, write)


def load_localizer(
    folder: str | os.PathLike[str],
    *,
    images: int | None = None,
    cache: str | os.PathLike[str] | None = None,
) -> LocalizerBundle:
    """Load the localizer that a bundle describes, and check that it finds what it found then.

    Args:
        folder: of the bundle.
        images: number of photos to predict, see ``inference.compile``.
        cache: folder of compiled networks: with it OpenVINO answers wherever it is installed.

    Raises:
        SightkitError: no bundle or one of another kind, a damaged file, or a canary picture in
            which it finds another box.
    """
    return load_by_kind(folder, (LOCALIZER,), images=images, cache=cache)


def _open(
    folder: Path,
    description: dict[str, Any],
    *,
    images: int | None = None,
    cache: str | os.PathLike[str] | None = None,
) -> LocalizerBundle:
    chain, names = from_config(description["preprocessing"]), tuple(description["class_names"])
    origin = description["network"]

    @functools.cache
    def build() -> keras.Model:
        from sightkit.training.state import weights_sha256

        network = zoo.load_network(lambda: zoo.rebuild(origin), folder / WEIGHTS)
        if weights_sha256(network) != description["weights_sha256"]:
            raise damaged(folder, f"{WEIGHTS} are not the weights of its network")
        return network

    predictor, _ = inference.load_or_compile(
        {
            "network": origin,
            "code": zoo.code_sha256(),
            "builder": _files.sha256(Path(__file__).with_name("localizer_network.py")),
            "weights": description["files"][WEIGHTS],
        },
        build,
        cache,
        images=images,
        batch_size=BATCH_SIZE,
        examples=lambda: chain(sightkit_io.read_image(folder / CANARY))[None],
    )
    if predictor.output_shape[-1] not in (len(names) + 4, 5 * len(names)):
        raise damaged(folder, "its class names are not as many as its network's")
    return LocalizerBundle(build, predictor, chain, names, description, folder)


def _check(folder: Path, description: Mapping[str, Any]) -> None:
    zoo.check_origin(description["network"])
    from_config(description["preprocessing"])
    Detections.from_json(description["detections"], tuple(description["class_names"]))


KINDS = {
    LOCALIZER: Kind(
        "a localizer",
        "sightkit.apps.detection.load_localizer",
        LocalizerDescription,
        lambda found: [WEIGHTS, CANARY],
        _check,
        _open,
    )
}
