"""The detectors of the command line, each as a function of a picture. No Keras until it is made."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from sightkit import _files, inference, training, transfer, zoo
from sightkit._errors import SightkitError
from sightkit.apps.detection.detections import Detections
from sightkit.apps.detection.windows import checked_sides
from sightkit.preprocessing import ImageToArrayPreprocessor, Pipeline, SimplePreprocessor
from sightkit.training.bundle_format import ALONE, CLASSIFIERS, check_bundle
from sightkit.training.classifier import load_by_kind

Method = Literal["sliding", "dense", "haar", "hog", "bundle"]
Finder = Callable[[np.ndarray], Detections]
"""uint8 (H, W, 3) RGB to what is found in it."""
DETECTOR, HOG_SVM = "detector", "hog_svm"
KINDS: dict[str, tuple[str, ...]] = {
    "hog": (HOG_SVM,),
    "bundle": (DETECTOR, HOG_SVM, "localizer"),
    "dense": ALONE,
    "sliding": CLASSIFIERS,
}
"""Kinds of bundles that a method takes."""
SAMPLE = 32
"""Pixels: window of the made-up network."""
THRESHOLD = {"sliding": 0.9, "dense": 0.9}
LOWEST = 0.5
"""Threshold of the methods that are not in ``THRESHOLD``."""


def check_network(
    method: Method, bundle: Path | None, model: str | None, *, made_up: bool = False
) -> None:
    """Raise, before any work, unless a method has the network that it needs; no Keras is imported.

    Args:
        method: the detector.
        bundle: folder of a trained network or detector.
        model: name of a network trained on ImageNet.
        made_up: a network of random weights will do.
    """
    given = [each for each in (bundle, model) if each is not None]
    windows = method in THRESHOLD
    if method == "haar" and given:
        raise SightkitError(
            "OpenCV's cascade takes no network.",
            "Leave out --bundle and --model.",
            bundle=bundle and str(bundle),
            model=model,
        )
    if model is not None and not windows:
        raise SightkitError(
            "--model names a classifier, which needs windows.",
            "Give --method=dense, or leave out --model.",
            method=method,
            model=model,
        )
    needed = windows or method == "bundle"
    if len(given) > 1 or (needed and not given and not (made_up and windows)):
        raise SightkitError(
            "Name one network.",
            "Give --bundle RUN/bundle, or --model mobilenet_0.75."
            if windows
            else "Give --bundle RUN/bundle.",
            method=method,
            bundle=bundle and str(bundle),
            model=model,
        )
    if bundle is not None:
        check_bundle(bundle, KINDS[method])
    if model is not None:
        transfer.source_of(model)


def check_search(
    window: Sequence[int] | None,
    stride: int | None,
    scale: float,
    threshold: float | None,
    overlap: float,
) -> None:
    """Raise, before any work, for numbers of ``open_finder`` that no method takes."""
    checked_sides(window or (1, 1), 1 if stride is None else stride)
    if not 1 < scale < math.inf:
        raise SightkitError("--scale must be above 1.", "Give 1.5.", scale=scale)
    for name, value in (("threshold", threshold), ("overlap", overlap)):
        if value is not None and not 0 <= value <= 1:
            raise SightkitError(f"--{name} must be from 0 to 1.", "Give 0.5.", **{name: value})


def open_finder(
    method: Method,
    *,
    bundle: Path | None = None,
    model: str | None = None,
    window: Sequence[int] | None = None,
    stride: int | None = None,
    scale: float = 1.5,
    threshold: float | None = None,
    overlap: float = 0.3,
    background: Collection[str] = (),
) -> Finder:
    """Return a detector as a function of a picture.

    Args:
        method: the detector, after ``check_network``.
        bundle: of a classifier for ``sliding`` and ``dense``, of a detector for ``bundle`` and
            ``hog``, which else is OpenCV's of pedestrians.
        model: network trained on ImageNet, in place of a bundle; one of random weights where
            ``sliding`` and ``dense`` get neither.
        window, stride: of ``sliding``, see ``BatchedWindows``; ``dense`` has a window of its own.
        scale, threshold, overlap, background: of both, see ``classify_regions``.
    """
    least = THRESHOLD.get(method, LOWEST) if threshold is None else threshold
    if method in THRESHOLD:
        from sightkit.apps.detection.dense import DenseWindows
        from sightkit.apps.detection.regions import BatchedWindows, classify_regions

        classifier = _classifier(method, bundle, model)
        windows: Any = (
            DenseWindows(classifier, stride)
            if method == "dense"
            else BatchedWindows(classifier, None if window is None else tuple(window), stride)  # type: ignore[arg-type]
        )
        return lambda image: classify_regions(
            windows, image, scale=scale, threshold=least, background=background, overlap=overlap
        )
    return _at_least(least, _detector(method, bundle, least))


def _detector(method: Method, bundle: Path | None, least: float) -> Finder:
    if bundle is not None:
        cache = _files.user_cache("compiled")
        detector: Any = load_by_kind(bundle, KINDS[method], cache=cache)
        many = detector.description["kind"] == DETECTOR  # which has boxes below its threshold
        options = {"least_score": least} if many else {}
        return lambda image: detector.predict([image], **options)[0]
    from sightkit.apps.detection.haar import find_faces
    from sightkit.apps.detection.pedestrians import find_pedestrians

    return find_faces if method == "haar" else find_pedestrians


def _at_least(least: float, find: Finder) -> Finder:
    def finder(image: np.ndarray) -> Detections:
        found = find(image)
        kept = found.scores >= least
        return Detections(
            found.boxes[kept], found.scores[kept], found.labels[kept], found.class_names
        )

    return finder


def _classifier(method: Method, bundle: Path | None, model: str | None) -> Any:
    cache = _files.user_cache("compiled")
    if bundle is not None:
        load = training.load_bundle if method == "dense" else transfer.load
        return load(bundle, cache=cache)
    if model is not None:
        return transfer.pretrained(model, cache=cache)
    shape = (SAMPLE, SAMPLE, 3)
    network = zoo.build("convnet", input_shape=shape, classes=2, filters=(4, 8), hidden=(8,))
    chain = Pipeline((SimplePreprocessor(SAMPLE, SAMPLE), ImageToArrayPreprocessor()))
    predictor = inference.compile(network, engine="keras")
    return training.Bundle(lambda: network, predictor, chain, ("china", "flower"), {})
