"""From folders of pictures to a HOG detector in a bundle, measured on pictures held back."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from sightkit import evaluation, training
from sightkit._errors import SightkitError, require_at_least
from sightkit.apps.detection.hard_negatives import (
    large_enough,
    measure_windows,
    random_windows,
    train_hog_svm,
)
from sightkit.apps.detection.hog_bundle import save_hog_detector
from sightkit.apps.detection.hog_svm import OVERLAP, HogDetector, shrunk_grey, window_fits
from sightkit.apps.detection.suppression import non_maxima_suppression

HELD_BACK = 0.2
"""Share of objects and of backgrounds that the detector is measured on."""
WINDOWS = 20
"""Random windows of each background held back."""
LEAST = 5
"""Backgrounds, at least: some are held back."""


@dataclass(frozen=True)
class HogFlags:
    """The flags of scripts/detection/train_hog_svm.py."""

    objects: tuple[Path, ...] = ()
    """Pictures of the object, or folders of them."""
    backgrounds: tuple[Path, ...] = ()
    """Pictures without it, or folders of them; 5 at least."""
    class_name: str = "face"
    """What the object is called."""
    window: tuple[int, int] = (64, 64)
    """Height and width of what is searched for, pixels, multiples of 8; the least size found."""
    rounds: int = 10
    """Rounds of mining, at most."""
    seed: int = 0
    """Seed of the division, of random windows and of the SVM."""
    output: Path = Path("hog_bundle")
    """Folder of the bundle."""
    overwrite: bool = False
    """Replace the bundle in the output folder."""
    smoke: bool = False
    """Take scikit-learn's digits and photographs, and one round."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        require_at_least(self, rounds=0)
        if not window_fits(self.window):
            raise SightkitError(
                "--window must be multiples of 8 from 16 to 1024.",
                "Give --window 64 64.", window=self.window,
            )  # fmt: skip
        if not 1 <= len(self.class_name) <= 100:
            raise SightkitError(
                "--class-name must have 1 to 100 characters.",
                "Give --class-name face.", class_name=self.class_name,
            )  # fmt: skip
        if not self.smoke and not (self.objects and self.backgrounds):
            raise SightkitError(
                "Name pictures of the object and pictures without it.",
                "Give --objects FACES --backgrounds PHOTOS.",
            )
        training.check_place(self.output)
        if self.output.exists() and not (self.overwrite or self.smoke):
            raise SightkitError(
                "There is a bundle at --output already.",
                "Give --overwrite to replace it, or another folder.", output=str(self.output),
            )  # fmt: skip

    def pictures(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Return windows of objects and backgrounds, grey, uint8 (H, W) each."""
        if self.smoke:
            return sample_windows()
        return read_grey(self.objects, self.window), read_grey(self.backgrounds)


def read_grey(
    paths: Iterable[str | os.PathLike[str]], window: tuple[int, int] | None = None
) -> list[np.ndarray]:
    """Read pictures of files and folders, grey: of one size, or shrunk to 800 pixels.

    Returns:
        uint8 (H, W) each.

    Raises:
        SightkitError: a file that is no picture, it is named.
    """
    photos, grey = evaluation.PhotoFolder(paths), []
    for part in photos:
        for image in part.values():
            picture, _ = shrunk_grey(image)
            if window is not None and picture.shape != window:
                picture = cv2.resize(picture, window[::-1], interpolation=cv2.INTER_AREA)
            grey.append(picture)
    photos.require_all()
    return grey


def train_hog_bundle(
    folder: str | os.PathLike[str],
    objects: Sequence[np.ndarray],
    backgrounds: Sequence[np.ndarray],
    class_name: str,
    *,
    rounds: int,
    seed: int,
) -> dict[str, Any]:
    """Train a detector on four fifths of the pictures, measure it on the others, and save it.

    Args:
        folder: of the bundle.
        objects: as ``train_hog_svm`` takes them.
        backgrounds: as ``train_hog_svm`` takes them, five at least.
        class_name: what the objects are called.
        rounds: of mining, at most.
        seed: of the division, and of ``train_hog_svm``.

    Returns:
        ``rounds`` of mining; ``before`` and ``after`` it precision and recall on windows, and the
        wrong detections in whole backgrounds, all on pictures held back.
    """
    if len(backgrounds) < LEAST:
        raise SightkitError(
            f"There must be {LEAST} backgrounds at least: some are held back to measure on.",
            "Add pictures without the object.", backgrounds=len(backgrounds),
        )  # fmt: skip
    rng = np.random.default_rng(seed)
    apart, objects = _divided(objects, rng)
    scanned, backgrounds = _divided(backgrounds, rng)
    mined = train_hog_svm(objects, backgrounds, class_name, rounds=rounds, seed=seed)
    window = mined.detector.window
    scanned = large_enough(scanned, window)
    others = random_windows(scanned, window, WINDOWS, rng)
    metrics = {
        "rounds": [vars(each) for each in mined.rounds],
        **{
            name: {
                **measure_windows(detector, apart, others),
                "backgrounds": len(scanned),
                "wrong_detections": sum(_found(detector, picture) for picture in scanned),
            }
            for name, detector in (("before", mined.before), ("after", mined.detector))
        },
    }
    save_hog_detector(
        folder,
        mined.detector,
        _canary(mined.detector, apart, scanned[0]),
        metrics=metrics,
        training={
            "objects": len(objects),
            "backgrounds": len(backgrounds),
            "rounds": rounds,
            "seed": seed,
        },
    )
    return metrics


def _divided(
    pictures: Sequence[np.ndarray], rng: np.random.Generator
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return the pictures that are held back, and the others."""
    order = rng.permutation(len(pictures))
    count = max(1, round(HELD_BACK * len(pictures)))
    return [pictures[k] for k in order[:count]], [pictures[k] for k in order[count:]]


def _found(detector: HogDetector, picture: np.ndarray) -> int:
    hits = detector.hits(picture)
    return len(non_maxima_suppression(hits.boxes, hits.margins, overlap=OVERLAP))


def _canary(
    detector: HogDetector, objects: Sequence[np.ndarray], background: np.ndarray
) -> np.ndarray:
    """Return a background with the first object that is found in it; without one where none is."""
    height, width = detector.window
    top, left = (
        (side - least) // 2 for side, least in zip(background.shape, detector.window, strict=True)
    )
    picture = background
    for each in objects:
        picture = background.copy()
        picture[top : top + height, left : left + width] = each
        if _found(detector, picture):
            break
    return picture[..., np.newaxis]


def sample_windows() -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return scikit-learn's digits and parts of its photographs, for runs without any data.

    Returns:
        100 windows of 32 by 32 pixels and 6 pictures of 100 by 100, uint8, grey.
    """
    from sklearn.datasets import load_digits, load_sample_images

    digits: Any = load_digits()
    windows = [
        cv2.resize((each * 15).astype(np.uint8), (32, 32), interpolation=cv2.INTER_CUBIC)
        for each in digits.images[:100]
    ]
    photos = [shrunk_grey(image)[0] for image in load_sample_images().images]
    parts = [photo[100:200, 100 * k : 100 * k + 100] for photo in photos for k in range(1, 4)]
    return windows, [np.ascontiguousarray(part) for part in parts]
