"""Faces found in a picture, and each of them classified: smiling or not."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sightkit import _files, training
from sightkit._errors import SightkitError
from sightkit.apps.detection.detections import Detections

CLASSES = {"negatives": "not smiling", "positives": "smiling"}
"""What the classes of SMILEs (scripts/build_smiles.py) are called in a picture."""


@dataclass(frozen=True)
class SmileDetector:
    """A finder of faces before a classifier of faces; called on a picture.

    Args:
        find_faces: uint8 (H, W, 3) RGB to the faces in it.
        classifier: bundle of ``training.load_bundle``, of scripts/train_lenet_smiles.py for
            example; it is given each face as it is cut out.

    Raises:
        SightkitError: a classifier of more than two classes.
    """

    find_faces: Callable[[np.ndarray], Detections]
    classifier: Any

    def __post_init__(self) -> None:
        """Check the classifier."""
        require_two(self.classifier.class_names)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names in the classifier's order; those of SMILEs as one says them."""
        names: tuple[str, ...] = self.classifier.class_names
        return tuple(CLASSES.get(name, name) for name in names)

    def __call__(self, image: np.ndarray) -> Detections:
        """Find and classify the faces of a picture, uint8 (H, W, 3), RGB.

        Returns:
            The faces' boxes, each with its more probable class and its probability.
        """
        boxes = self.find_faces(image).boxes
        corners = np.rint(boxes).astype(int)
        cut = [np.ascontiguousarray(image[y0:y1, x0:x1]) for x0, y0, x1, y1 in corners]
        found = self.classifier.predict(cut)
        return Detections(boxes, found.max(axis=1), found.argmax(axis=1), self.class_names)


def open_smile_detector(
    bundle: str | os.PathLike[str] | None, faces: str | os.PathLike[str] | None = None
) -> SmileDetector:
    """Load a detector of smiles.

    Args:
        bundle: of the classifier; None for a LeNet with random weights.
        faces: bundle of a HOG detector of faces; OpenCV's cascade by default.
    """
    from sightkit.apps.detection.haar import find_faces
    from sightkit.apps.detection.hog_bundle import load_hog_detector

    find: Callable[[np.ndarray], Detections] = find_faces
    if faces is not None:
        hog = load_hog_detector(faces)
        find = lambda image: hog.predict([image])[0]  # noqa: E731
    cache = _files.user_cache("compiled")
    classifier = training.load_bundle(bundle, cache=cache) if bundle else _random_lenet()
    return SmileDetector(find, classifier)


def require_two(class_names: Any) -> None:
    """Raise unless a bundle tells two classes apart."""
    if len(class_names) != 2:
        raise SightkitError(
            "The bundle must tell two classes of faces apart, smiling or not.",
            "Train one: scripts/train_lenet_smiles.py.",
            classes=len(class_names),
        )


def _random_lenet() -> training.Bundle:
    from sightkit import inference, zoo
    from sightkit.preprocessing import (
        GrayscalePreprocessor,
        ImageToArrayPreprocessor,
        Pipeline,
        SimplePreprocessor,
    )

    network = zoo.LeNet((28, 28, 1), 2)
    steps = (GrayscalePreprocessor(), SimplePreprocessor(28, 28), ImageToArrayPreprocessor())
    predictor = inference.compile(network)
    return training.Bundle(lambda: network, predictor, Pipeline(steps), tuple(CLASSES), {})
