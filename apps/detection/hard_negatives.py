"""Train HOG and a linear SVM; what it takes wrongly for the object is learned in the next round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from sightkit._errors import SightkitError
from sightkit.apps.detection.hog_svm import HogDetector, features_of, window_fits
from sightkit.apps.detection.suppression import non_maxima_suppression

COST = 0.01
"""``C`` of the SVM: that of Dalal and Triggs."""
AT_FIRST = 10
"""Random windows of each background before the first round."""
ROUNDS = 10
"""Of mining, at most."""
SAME = 0.5
"""Overlap of two wrong windows from which one of them is enough."""
CALIBRATED = 0.2
"""Share of the windows that margins are turned into probabilities by; the SVM does not see them."""


@dataclass(frozen=True)
class MiningRound:
    """What one round of mining has found.

    Attributes:
        negatives: windows of backgrounds that the SVM had learned.
        false_positives: windows of all backgrounds that it took for the object all the same.
        new: those of them that it had not learned yet.
    """

    negatives: int
    false_positives: int
    new: int


@dataclass(frozen=True)
class Mined:
    """A detector and how it came about.

    Attributes:
        detector: of the last round.
        before: that of the random windows alone.
        rounds: all of them; the last has nothing new where mining has come to an end.
    """

    detector: HogDetector
    before: HogDetector
    rounds: list[MiningRound]


def train_hog_svm(
    objects: Sequence[np.ndarray],
    backgrounds: Sequence[np.ndarray],
    class_name: str,
    *,
    rounds: int = ROUNDS,
    seed: int = 0,
) -> Mined:
    """Train a detector of one class with hard-negative mining.

    First on the objects, mirrored too, and random windows of the backgrounds. Then each round
    searches all backgrounds at all scales: every window that is found there is wrong, and is
    learned. It ends when a round finds nothing new.

    Args:
        objects: grey windows, uint8 (H, W), of one size, sides multiples of 8.
        backgrounds: grey pictures, uint8 (H, W), in which there is no such object.
        class_name: what the objects are called.
        rounds: at most; 0 for no mining.
        seed: of the random windows, of what calibrates and of the SVM.

    Raises:
        SightkitError: objects of several sizes, too few of them, no background as large as they.

    Reference:
        Dalal and Triggs, "Histograms of oriented gradients for human detection", CVPR 2005.
    """
    window = require_windows(objects)
    backgrounds = large_enough(backgrounds, window)
    rng = np.random.default_rng(seed)
    positives = features_of([view for each in objects for view in (each, each[:, ::-1])])
    negatives = features_of(random_windows(backgrounds, window, AT_FIRST, rng))
    before = detector = _fitted(positives, negatives, window, class_name, seed)
    known: set[tuple[int, bytes]] = set()
    report = []
    for _ in range(rounds):
        found, total = [], 0
        for number, picture in enumerate(backgrounds):
            hits = detector.hits(picture, features=True)
            kept = non_maxima_suppression(hits.boxes, hits.margins, overlap=SAME)
            total += len(kept)
            new = [row for row in kept if (number, hits.boxes[row].tobytes()) not in known]
            known |= {(number, hits.boxes[row].tobytes()) for row in new}
            found.append(hits.features[new])
        mined = np.concatenate(found)
        report.append(MiningRound(len(negatives), total, len(mined)))
        if not len(mined):
            break
        negatives = np.concatenate([negatives, mined])
        detector = _fitted(positives, negatives, window, class_name, seed)
    return Mined(detector, before, report)


def require_windows(objects: Sequence[np.ndarray]) -> tuple[int, int]:
    """Return the size, (height, width), of objects; raise where they cannot be learned from."""
    sizes = {each.shape for each in objects}
    if len(objects) < 10 or len(sizes) != 1 or not window_fits(min(sizes)):
        raise SightkitError(
            "Objects must be ten pictures or more of one size, whose sides are multiples of 8 "
            "from 16 to 1024.",
            "Cut and resize them to one size, 64 by 64 for example.",
            objects=len(objects), sizes=sorted(sizes)[:3],
        )  # fmt: skip
    return sizes.pop()


def large_enough(
    backgrounds: Sequence[np.ndarray], window: tuple[int, int]
) -> Sequence[np.ndarray]:
    """Return the backgrounds that a window fits into; raise where there is none."""
    fitting = [
        each
        for each in backgrounds
        if all(side >= least for side, least in zip(each.shape, window, strict=True))
    ]
    if not fitting:
        raise SightkitError(
            "A background must be at least as large as the objects (height, width).",
            "Give larger pictures.", backgrounds=len(backgrounds), window=window,
        )  # fmt: skip
    return fitting


def random_windows(
    backgrounds: Sequence[np.ndarray],
    window: tuple[int, int],
    count: int,
    rng: np.random.Generator,
) -> list[np.ndarray]:
    """Cut ``count`` windows out of each background, at random places and scales.

    Returns:
        uint8, of the window's size each.
    """
    cut = []
    for picture in backgrounds:
        largest = min(side / least for side, least in zip(picture.shape, window, strict=True))
        for scale in np.exp(rng.uniform(0, np.log(largest), count)):
            height, width = (int(least * scale) for least in window)
            top = int(rng.integers(picture.shape[0] - height + 1))
            left = int(rng.integers(picture.shape[1] - width + 1))
            part = picture[top : top + height, left : left + width]
            cut.append(cv2.resize(part, window[::-1], interpolation=cv2.INTER_AREA))
    return cut


def measure_windows(
    detector: HogDetector, objects: Sequence[np.ndarray], others: Sequence[np.ndarray]
) -> dict[str, float]:
    """Return precision and recall on windows that were not learned, at the SVM's plane."""
    found = {
        name: int((_margins(detector, features_of(windows)) > 0).sum())
        for name, windows in (("objects", objects), ("others", others))
    }
    positive = found["objects"] + found["others"]
    return {
        "objects": len(objects),
        "others": len(others),
        "precision": found["objects"] / positive if positive else 0.0,
        "recall": found["objects"] / len(objects),
    }


def _margins(detector: HogDetector, features: np.ndarray) -> np.ndarray:
    return features @ detector.coefficients + detector.intercept


def _fitted(
    positives: np.ndarray, negatives: np.ndarray, window: tuple[int, int], name: str, seed: int
) -> HogDetector:
    """Fit the SVM, and the sigmoid of its margins to windows that it has not seen.

    The SVM is fitted to all of them in the end: the sigmoid is that of one almost the same.
    """
    from sklearn.linear_model import LogisticRegression

    features = np.concatenate([positives, negatives])
    labels = np.repeat([1, 0], [len(positives), len(negatives)])
    apart = np.random.default_rng(seed).random(len(labels)) < CALIBRATED
    first = _svm(features[~apart], labels[~apart], window, name, seed)
    margins = _margins(first, features[apart])[:, None]
    platt: Any = LogisticRegression(C=1e3).fit(margins, labels[apart])
    whole = _svm(features, labels, window, name, seed)
    return replace(whole, sigmoid=(float(platt.coef_[0, 0]), float(platt.intercept_[0])))


def _svm(
    features: np.ndarray, labels: np.ndarray, window: tuple[int, int], name: str, seed: int
) -> HogDetector:
    from sklearn.svm import LinearSVC

    svm: Any = LinearSVC(C=COST, random_state=seed, max_iter=10_000).fit(features, labels)
    coefficients = svm.coef_[0].astype(np.float32)
    return HogDetector(window, coefficients, float(svm.intercept_[0]), (1.0, 0.0), name)
