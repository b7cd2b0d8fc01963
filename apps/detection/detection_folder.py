"""The detections that are evaluated: of a bundle, or from the JSON files of a folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sightkit import _files, _folders, _run_files, _schema
from sightkit._errors import SightkitError, few
from sightkit._scripts import warn
from sightkit.apps.detection.annotations import AnnotatedPictures
from sightkit.apps.detection.detections import Detections, DetectionsJson
from sightkit.apps.detection.detector_setup import LEAST_SCORE
from sightkit.apps.detection.photo_detector import load_detector

FORMAT = "sightkit-detector-evaluation"


def require_evaluation_folder(path: Path) -> None:
    """Raise, before any work, unless a folder is new, empty, or an earlier evaluation's."""
    _files.require_place(path)
    _files.require_writable(path)
    _folders.read_own(path, _run_files.METRICS, FORMAT)


@dataclass(frozen=True)
class EvaluationFlags:
    """The flags of scripts/detection/evaluate_detector.py."""

    data: Path | None = None
    """Annotations: folder in VOC's layout, .json of COCO's form, or .csv."""
    split: str | None = None
    """List of VOC's layout; all pictures by default."""
    images: Path | None = None
    """Folder of the pictures that a file of annotations names; its own folder by default."""
    bundle: Path | None = None
    """Folder of the detector: RUN/bundle."""
    detections: Path | None = None
    """Folder of JSON files of detection/detect, in place of --bundle."""
    score: float = 0.5
    """Least score of the boxes that are counted as mistakes and drawn."""
    output: Path = Path("detector_evaluation")
    """Folder to write into: new, or an earlier evaluation's."""
    smoke: bool = False
    """Evaluate made-up detections in two made pictures."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        require_evaluation_folder(self.output)
        if not self.smoke and (
            self.data is None or (self.bundle is None) == (self.detections is None)
        ):
            raise SightkitError(
                "Name the annotations, and one detector.",
                "Give --data VOC and --bundle RUN/bundle, or --detections FOUND.",
            )
        if not 0 <= self.score <= 1:
            raise SightkitError("--score must be from 0 to 1.", "Give 0.5.", score=self.score)


def detect_all(
    bundle: str | os.PathLike[str],
    pictures: AnnotatedPictures,
    *,
    cache: str | os.PathLike[str] | None = None,
) -> list[Detections]:
    """Return what a bundle finds in annotated pictures, with the low scores that AP counts.

    Args:
        bundle: folder of a detector.
        pictures: annotated, with the bundle's class names.
        cache: folder of compiled networks, see ``load_detector``.
    """
    detector = load_detector(bundle, images=len(pictures), cache=cache)
    images = [each.image for each in pictures.annotations]
    return detector.predict(images, least_score=LEAST_SCORE)


def read_detections(
    folder: str | os.PathLike[str], pictures: AnnotatedPictures
) -> list[Detections]:
    """Read what was found in annotated pictures; files belong together by the picture's name.

    Files of other pictures are left out. So are labels that the annotations lack, with a warning.

    Args:
        folder: of files ``Detections.to_json``; those in folders below it count too.
        pictures: annotated.

    Returns:
        One for each of ``pictures``, in their order.

    Raises:
        SightkitError: no folder; a picture without a file, or with two; a file of another form; no
            label that the annotations have.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise SightkitError(
            "Detections must be a folder of JSON files.", "Check the path.", detections=str(folder)
        )
    found: dict[str, DetectionsJson] = {}
    wanted = [each.image.name for each in pictures.annotations]
    twice = {name for name in wanted if wanted.count(name) > 1}
    for path in sorted(folder.rglob("*.json")):
        content = _schema.read(path, DetectionsJson, "Give a folder of detect.py's alone.")
        name = Path(content["image"]).name
        twice |= {name} & found.keys() & {*wanted}
        found[name] = content
    if twice:
        raise SightkitError(
            "Detections belong to a picture by its name, which may occur once.",
            "Rename these pictures, or evaluate them apart.",
            detections=str(folder), twice=few(sorted(twice)),
        )  # fmt: skip
    if missing := [name for name in wanted if name not in found]:
        raise SightkitError(
            "Each annotated picture must have a JSON file, if nothing was found an empty list.",
            "Run detect.py on all of them, or choose their --split.",
            detections=str(folder), pictures=len(wanted), missing=few(missing),
        )  # fmt: skip
    return _of_known_classes([found[name] for name in wanted], pictures.class_names, folder)


def _of_known_classes(
    contents: list[DetectionsJson], class_names: tuple[str, ...], folder: Path
) -> list[Detections]:
    labels = {each["label"] for content in contents for each in content["detections"]}
    unknown = sorted(labels - {*class_names})
    if unknown and len(unknown) == len(labels):
        raise SightkitError(
            "Detections and annotations must have a class in common.",
            "Compare the spelling.",
            detections=str(folder), labels=few(unknown), class_names=few(class_names),
        )  # fmt: skip
    if unknown:
        warn(f"Labels that no annotation has are left out: {few(unknown)}.")
    kept = [
        [each for each in content["detections"] if each["label"] in class_names]
        for content in contents
    ]
    return [
        Detections.from_json({"image": content["image"], "detections": each}, class_names)
        if each
        else Detections(np.zeros((0, 4)), np.zeros(0), np.zeros(0), class_names)
        for content, each in zip(contents, kept, strict=True)
    ]
