"""The detections that are evaluated: of a bundle, or from the JSON files of a folder."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from sightkit import _schema
from sightkit._errors import SightkitError, few
from sightkit._scripts import warn
from sightkit.apps.detection.annotations import AnnotatedPictures
from sightkit.apps.detection.detections import Detections, DetectionsJson
from sightkit.training.classifier import load_by_kind

DETECTORS = ("detector", "hog_svm")
"""Kinds of bundles that find things."""


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
    from sightkit.apps.detection.detector_bundle import DetectorBundle
    from sightkit.apps.detection.detector_setup import LEAST_SCORE

    detector = load_by_kind(bundle, DETECTORS, images=len(pictures), cache=cache)
    options = {"least_score": LEAST_SCORE} if isinstance(detector, DetectorBundle) else {}
    return detector.predict([each.image for each in pictures.annotations], **options)


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
