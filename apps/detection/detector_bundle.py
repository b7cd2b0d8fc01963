"""The bundle of a detector's or a localizer's network, with the setup that gives it a meaning."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sightkit import inference, zoo
from sightkit.apps.detection import detector_entry  # noqa: F401 - lets the zoo build it
from sightkit.apps.detection.detections import Detections
from sightkit.apps.detection.detector_setup import DetectorSetup, SetupConfig
from sightkit.apps.detection.localizer_setup import LocalizerConfig, LocalizerSetup
from sightkit.apps.detection.photo_detector import (
    FoundDescription,
    Limits,
    PhotoDetector,
    check_found,
    found_fields,
)
from sightkit.training.bundle import OfNetwork, open_network
from sightkit.training.bundle_format import CANARY, WEIGHTS, Kind, damaged, write_bundle
from sightkit.training.classifier import Photo, decoded

if TYPE_CHECKING:
    import keras

Setup = DetectorSetup | LocalizerSetup


class DetectorDescription(OfNetwork, FoundDescription):
    """The bundle.json of a detector."""

    setup: SetupConfig


class LocalizerDescription(OfNetwork, FoundDescription):
    """The bundle.json of a localizer."""

    setup: LocalizerConfig


@dataclass(frozen=True, repr=False)
class DetectorBundle(PhotoDetector):
    """A network that finds things, with all that surrounds it; made by ``load_detector``.

    Attributes:
        build: returns ``network``, built when it is first used.
        predictor: float32 (N, H, W, 3) to the network's output.
        setup: of a detector canvas, pixels, coding, class names; of a localizer preprocessing and
            class names.
        description: all of bundle.json.
        folder: that it was loaded from.
    """

    build: Callable[[], keras.Model]
    predictor: inference.Predictor
    setup: Setup
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

    @property
    def limits(self) -> Limits:
        """Those of the setup."""
        return self.setup.limits

    def __repr__(self) -> str:
        return f"<DetectorBundle of a {self.setup.kind}, {len(self.class_names)} classes>"

    def _find(self, images: Sequence[Photo], least: float, overlap: float) -> list[Detections]:
        photos = [decoded(image) for image in images]
        outputs = self.predictor(np.stack([self.setup.prepare(photo) for photo in photos]))
        options = {"least_score": least, "overlap": overlap}
        return [
            self.setup.detections(output, photo.shape[:2], **options)
            for output, photo in zip(outputs, photos, strict=True)
        ]


def save_detector(
    folder: str | os.PathLike[str],
    network: keras.Model,
    setup: Setup,
    canary: np.ndarray,
    *,
    metrics: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
) -> Path:
    """Write the bundle of a detector; an existing folder is replaced once the new one is complete.

    Args:
        folder: of the bundle.
        network: made by ``Detector`` or ``Localizer``, trained; in any precision, saved as a
            float32 network.
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
    from sightkit.training.bundle_writer import write_network

    saved = zoo.rebuild(zoo.origin(network))
    saved.set_weights(network.get_weights())
    output = np.asarray(saved(setup.prepare(canary)[None], training=False), np.float32)[0]
    found = setup.detections(output, canary.shape[:2])

    def write(place: Path) -> dict[str, Any]:
        return {
            **write_network(place, saved, canary),
            **found_fields(found),
            "setup": setup.to_config(),
            "training": dict(training or {}),
            "metrics": dict(metrics or {}),
        }

    return write_bundle(folder, setup.kind, write)


def _open(folder: Path, description: dict[str, Any], **options: Any) -> DetectorBundle:
    setup = _setup(description)
    build, predictor = open_network(
        folder, description, setup.prepare, batch_size=setup.limits.batch_size, **options
    )
    if not setup.fits(predictor.output_shape):
        raise damaged(folder, "its setup or its class names do not fit its network's output")
    return DetectorBundle(build, predictor, setup, description, folder)


def _setup(description: Mapping[str, Any]) -> Setup:
    kind = LocalizerSetup if description["kind"] == LocalizerSetup.kind else DetectorSetup
    return kind.from_config(description["setup"], tuple(description["class_names"]))


def _check(folder: Path, description: Mapping[str, Any]) -> None:
    zoo.check_origin(description["network"])
    if description["network"].get("builder") != description["kind"]:
        raise damaged(folder, f"its network is no {description['kind']}")
    setup, taken = _setup(description), description["network"]["arguments"].get("input_shape")
    if isinstance(setup, DetectorSetup) and taken != [*setup.size, 3]:
        raise damaged(folder, "its canvas is not the input of its network")
    check_found(folder, description)


KINDS = {
    kind: Kind(
        f"a {kind}",
        "sightkit.apps.detection.load_detector, or find things with "
        "scripts/detection/detect.py --method bundle",
        schema,
        lambda found: [WEIGHTS, CANARY],
        _check,
        _open,
    )
    for kind, schema in (
        (DetectorSetup.kind, DetectorDescription),
        (LocalizerSetup.kind, LocalizerDescription),
    )
}
