"""Faces found in a picture, and each of them classified: smiling or not."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro

from sightkit import _files, io, training, zoo
from sightkit._errors import SightkitError, require_at_least
from sightkit.apps.detection.detections import Detections
from sightkit.apps.detection.haar import find_faces
from sightkit.apps.detection.photo_detector import load_detector
from sightkit.preprocessing import (
    GrayscalePreprocessor,
    ImageToArrayPreprocessor,
    Pipeline,
    SimplePreprocessor,
)

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


@dataclass(frozen=True)
class SmileFlags(io.LinkFlags):
    """The flags of scripts/detection/smiles.py."""

    sources: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()
    """Image files, folders of them, or video files; the camera by default."""
    bundle: Path | None = None
    """Folder of a trained classifier of faces: RUN/bundle."""
    faces: Path | None = None
    """Bundle of train_hog_svm that finds the faces; OpenCV's cascade by default."""
    camera: int = 0
    """Number of the camera."""
    output: Path | None = None
    """Folder to write into; smiles by default, where something is written."""
    overwrite: bool = False
    """Replace earlier results of the same pictures and videos."""
    smoke: bool = False
    """Take a network with random weights, and Matplotlib's photograph of Grace Hopper."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        require_at_least(self, camera=0)
        if self.bundle is None and not self.smoke:
            raise SightkitError(
                "Name a classifier of faces.",
                "Give --bundle RUN/bundle, of scripts/train_lenet_smiles.py for example.",
            )
        if self.bundle is not None:
            require_two(training.check_bundle(self.bundle)["class_names"])
        if self.faces is not None:
            training.check_bundle(self.faces, ("hog_svm",))


def open_smile_detector(
    bundle: str | os.PathLike[str] | None, faces: str | os.PathLike[str] | None = None
) -> SmileDetector:
    """Load a detector of smiles.

    Args:
        bundle: of the classifier; None for a LeNet with random weights.
        faces: bundle of a HOG detector of faces; OpenCV's cascade by default.
    """
    find: Callable[[np.ndarray], Detections] = find_faces
    if faces is not None:
        detector = load_detector(faces)
        find = lambda image: detector.predict(image)[0]  # noqa: E731
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
    steps = (GrayscalePreprocessor(), SimplePreprocessor(28, 28), ImageToArrayPreprocessor())
    return training.Bundle.of(zoo.LeNet((28, 28, 1), 2), Pipeline(steps), tuple(CLASSES))
