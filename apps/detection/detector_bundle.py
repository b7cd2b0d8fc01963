"""The bundle of a detector: photos in, boxes out; its canary is a picture with its boxes."""

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
from sightkit.apps.detection.detector_setup import LEAST_SCORE, DetectorSetup, SetupConfig
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

KIND = "detector"
BATCH_SIZE = 8
SHOWN = 0.5
"""Least score of what is shown; average precision is computed of all from 0.05 on."""
MOVED, CHANGED = 1.0, 0.02
"""Pixels of an edge and score by which a canary's detections may differ; other engines' differ by
less than 0.01 and 1e-4."""
NEAR_LEAST = 0.3
"""The canary's boxes below this score are not compared: one may just miss the least score."""


class DetectorDescription(Description):
    """The bundle.json of a detector."""

    network: zoo.Origin
    setup: SetupConfig
    detections: DetectionsJson
    parameters: Whole
    weights_sha256: Sha256


@dataclass(frozen=True, repr=False)
class DetectorBundle:
    """A detector with all that surrounds it; made by ``load_detector``.

    Attributes:
        build: returns ``network``, built when it is first used.
        predictor: float32 (N, H, W, 3) to the network's output.
        setup: canvas, pixels, coding, class names.
        description: all of bundle.json.
        folder: that it was loaded from.
    """

    build: Callable[[], keras.Model]
    predictor: inference.Predictor
    setup: DetectorSetup
    description: dict[str, Any]
    folder: Path

    @functools.cached_property
    def network(self) -> keras.Model:
        """Plain Keras model in float32."""
        return self.build()

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names in label order."""
        return self.setup.class_names

    def __repr__(self) -> str:
        return f"<DetectorBundle {self.setup.size}, {len(self.class_names)} classes>"

    def predict(
        self,
        images: Photo | Sequence[Photo],
        *,
        least_score: float = SHOWN,
        overlap: float = 0.5,
    ) -> list[Detections]:
        """Find things in photos.

        Args:
            images: uint8 arrays (H, W, 3) in RGB order or (H, W, 1), or paths of image files; a
                single one is a list of one.
            least_score: detections below it are left out; 0.05 to compute average precision.
            overlap: IoU that two detections of a class may have.

        Returns:
            A ``Detections`` a photo, boxes in pixels of that photo.

        Raises:
            SightkitError: an array of another kind, or a file that is no image; it is named.
        """
        alone = isinstance(images, np.ndarray) and images.ndim < 4
        several: Any = [images] if alone or isinstance(images, str | os.PathLike) else images
        found: list[Detections] = []
        for start in range(0, len(several), BATCH_SIZE):
            photos = [decoded(image) for image in several[start : start + BATCH_SIZE]]
            outputs = self.predictor(np.stack([self.setup.prepare(photo) for photo in photos]))
            for output, photo in zip(outputs, photos, strict=True):
                options = {"least_score": least_score, "overlap": overlap}
                found.append(self.setup.detections(output, photo.shape[:2], **options))
        return found

    def check_canary(self, folder: Path) -> None:
        """Compare what is found in the canary picture with what was found when it was saved.

        Raises:
            SightkitError: a box is missing, is new, or differs.
        """
        stored = Detections.from_json(self.description["detections"], self.class_names)
        (found,) = self.predict(folder / CANARY, least_score=LEAST_SCORE)
        reason = difference(stored, found)
        if reason:
            raise SightkitError(
                "A bundle must find in the canary picture what it found when it was saved.",
                "Network, weights or setup have changed: do not trust this bundle.",
                bundle=str(folder),
                reason=reason,
            )


def difference(stored: Detections, found: Detections) -> str:
    """Return in what two lists of detections differ; nothing where they are alike."""
    for missing, one, other in (("missing", stored, found), ("new", found, stored)):
        for box, score, label in zip(one.boxes, one.scores, one.labels, strict=True):
            if score < NEAR_LEAST:
                continue
            near = (
                (other.labels == label)
                & (np.abs(other.boxes - box).max(axis=1, initial=0) <= MOVED)
                & (np.abs(other.scores - score) <= CHANGED)
            )
            if not near.any():
                name = one.class_names[label]
                return f"{name} of score {score:.3f} at {np.round(box, 1).tolist()} is {missing}"
    return ""


def save_detector(
    folder: str | os.PathLike[str],
    network: keras.Model,
    setup: DetectorSetup,
    canary: np.ndarray,
    *,
    metrics: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
) -> Path:
    """Write the bundle of a detector; an existing folder is replaced once the new one is complete.

    Args:
        folder: of the bundle.
        network: made by ``Detector``, trained; in any precision, saved as a float32 network.
        setup: that it was trained with.
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

    origin = zoo.origin(network)
    saved = zoo.rebuild(origin)
    saved.set_weights(network.get_weights())
    answers = saved(setup.prepare(canary)[None], training=False)
    output = np.asarray(answers, np.float32)[0]
    found = setup.detections(output, canary.shape[:2])
    best = [found.scores[found.labels == k].max(initial=0) for k in range(len(setup.class_names))]

    def write(place: Path) -> dict[str, Any]:
        save_weights(saved, place / WEIGHTS)
        sightkit_io.write_png(place / CANARY, canary)
        return {
            "network": origin,
            "class_names": list(setup.class_names),
            "setup": setup.to_config(),
            "training": dict(training or {}),
            "metrics": dict(metrics or {}),
            "parameters": saved.count_params(),
            "weights_sha256": weights_sha256(saved),
            "canary": [float(score) for score in best],
            "detections": found.to_json(CANARY),
        }

    return write_bundle(folder, KIND, write)


def load_detector(
    folder: str | os.PathLike[str],
    *,
    images: int | None = None,
    cache: str | os.PathLike[str] | None = None,
) -> DetectorBundle:
    """Load the detector that a bundle describes, and check that it finds what it found then.

    Args:
        folder: of the bundle.
        images: number of photos to predict, see ``inference.compile``.
        cache: folder of compiled networks: with it OpenVINO answers wherever it is installed.

    Raises:
        SightkitError: no bundle or one of another kind, a damaged file, or a canary picture in
            which it finds other things.
    """
    return load_by_kind(folder, (KIND,), images=images, cache=cache)


def _open(
    folder: Path,
    description: dict[str, Any],
    *,
    images: int | None = None,
    cache: str | os.PathLike[str] | None = None,
) -> DetectorBundle:
    setup = DetectorSetup.from_config(description["setup"], tuple(description["class_names"]))
    origin = description["network"]
    expected = setup.coding.prior_output().shape

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
            "builder": _files.sha256(Path(__file__).with_name("detector_network.py")),
            "weights": description["files"][WEIGHTS],
        },
        build,
        cache,
        images=images,
        batch_size=BATCH_SIZE,
        examples=lambda: setup.prepare(sightkit_io.read_image(folder / CANARY))[None],
    )
    if tuple(predictor.output_shape[1:]) != expected:
        raise damaged(folder, "its anchors or classes are not as many as its network's")
    return DetectorBundle(build, predictor, setup, description, folder)


def _check(folder: Path, description: Mapping[str, Any]) -> None:
    zoo.check_origin(description["network"])
    names = tuple(description["class_names"])
    DetectorSetup.from_config(description["setup"], names)
    Detections.from_json(description["detections"], names)


KINDS = {
    KIND: Kind(
        "a detector",
        "sightkit.apps.detection.load_detector, or find things with "
        "scripts/detection/detect.py --method bundle",
        DetectorDescription,
        lambda found: [WEIGHTS, CANARY],
        _check,
        _open,
    )
}
