"""The bundle of a HOG detector: a vector of numbers, and a picture with what is found in it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sightkit import io as sightkit_io
from sightkit._arrays import check_arrays, read_npz
from sightkit.apps.detection.hog_svm import HogDetector, descriptor_of, window_fits
from sightkit.apps.detection.photo_detector import FoundDescription, check_found, found_fields
from sightkit.training.bundle_format import CANARY, Kind, damaged, write_bundle

HOG_SVM = "hog_svm"
SVM = "svm.npz"
ARRAYS = {"coefficients": ("float32", ("features",)), "intercept": ("float64", ())}


class HogDescription(FoundDescription):
    """The bundle.json of a HOG detector."""

    window: list[int]
    sigmoid: list[float]


def save_hog_detector(
    folder: str | os.PathLike[str],
    detector: HogDetector,
    canary: np.ndarray,
    *,
    metrics: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
) -> Path:
    """Write the bundle of a detector; an existing one is replaced once the new one is complete.

    Args:
        folder: of the bundle.
        detector: trained.
        canary: uint8 picture, (H, W, 3) RGB or (H, W, 1), with objects in it; what is found there
            is compared whenever the bundle is loaded.
        metrics: of the evaluation, JSON.
        training: facts of the training, JSON.

    Returns:
        The folder.
    """

    def write(place: Path) -> dict[str, Any]:
        intercept = np.float64(detector.intercept)
        np.savez(place / SVM, coefficients=detector.coefficients, intercept=intercept)
        sightkit_io.write_png(place / CANARY, canary)
        return {
            **found_fields(detector.predict(place / CANARY)[0]),
            "window": list(detector.window),
            "sigmoid": list(detector.sigmoid),
            "training": dict(training or {}),
            "metrics": dict(metrics or {}),
        }

    return write_bundle(folder, HOG_SVM, write)


def _open(folder: Path, description: dict[str, Any], **options: Any) -> HogDetector:
    window = tuple(description["window"])
    try:
        arrays = read_npz(folder / SVM)
        check_arrays(arrays, ARRAYS, features=descriptor_of(window).getDescriptorSize())
    except ValueError as error:
        raise damaged(folder, f"{SVM}: {error}") from error
    return HogDetector(
        window,
        arrays["coefficients"],
        float(arrays["intercept"]),
        tuple(description["sigmoid"]),
        description["class_names"][0],
        description,
    )


def _check(folder: Path, description: Mapping[str, Any]) -> None:
    if not window_fits(description["window"]):
        raise damaged(folder, "window must be two multiples of 8 from 16 to 1024")
    if len(description["sigmoid"]) != 2 or len(description["class_names"]) != 1:
        raise damaged(folder, "a slope, an offset and one class are expected")
    check_found(folder, description)


KINDS = {
    HOG_SVM: Kind(
        "a detector by HOG and SVM",
        "sightkit.apps.detection.load_detector, or find things with "
        "scripts/detection/detect.py --method bundle",
        HogDescription,
        lambda found: [SVM, CANARY],
        _check,
        _open,
    )
}
