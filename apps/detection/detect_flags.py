"""The flags of detection/detect, and the detector that they name. No Keras until then."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import tyro

from sightkit import _files, io, training, transfer, zoo
from sightkit._errors import SightkitError, require_at_least, require_read
from sightkit.apps.detection.detections import Detections
from sightkit.apps.detection.photo_detector import DETECTORS, load_detector
from sightkit.apps.detection.windows import background_indices, checked_sides
from sightkit.preprocessing import ImageToArrayPreprocessor, Pipeline, SimplePreprocessor
from sightkit.training.bundle_format import ALONE, CLASSIFIERS, check_bundle

Finder = Callable[[np.ndarray], Detections]
"""uint8 (H, W, 3) RGB to what is found in it."""
KINDS: dict[str, tuple[str, ...]] = {
    "hog": ("hog_svm",),
    "bundle": DETECTORS,
    "dense": ALONE,
    "sliding": CLASSIFIERS,
}
"""Kinds of bundles that a method takes."""
DENSE = ("bundle", "model", "stride", "scale", "overlap", "background")
READS: dict[str, Sequence[str]] = {
    "dense": DENSE,
    "sliding": (*DENSE, "window"),
    "haar": (),
    "hog": ("bundle",),
    "bundle": ("bundle",),
}
SAMPLE = 32
"""Pixels: window of the made-up network."""
MADE_UP = ("china", "flower")


@dataclass(frozen=True)
class DetectFlags(io.LinkFlags):
    """What is searched, by which detector, and where the results go."""

    images: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()
    """Image files, or folders of them."""
    method: Literal["sliding", "dense", "haar", "hog", "bundle"] = "haar"
    """The detector."""
    bundle: Path | None = None
    """Folder of a trained classifier (sliding, dense) or detector (bundle, hog): RUN/bundle."""
    model: str | None = None
    """Network trained on ImageNet in place of --bundle: mobilenet_0.75 for example."""
    window: tuple[int, int] | None = None
    """Height and width of sliding's windows, pixels; what the classifier takes by default."""
    stride: int | None = None
    """Pixels between windows; a quarter of the window by default, of dense the network's own."""
    scale: float = 1.5
    """Factor from one size of the picture to the next, of sliding and dense."""
    threshold: float | None = None
    """Least score; 0.9 of sliding and dense, else 0.5."""
    overlap: float = 0.3
    """Intersection over union that two boxes of a class may have, of sliding and dense."""
    background: tuple[str, ...] = ()
    """Classes of sliding and dense that are not things."""
    output: Path = Path("detections")
    """Folder to write into."""
    overwrite: bool = False
    """Replace earlier results of the same pictures."""
    smoke: bool = False
    """Take made pictures where none are named, and a small random network where one is needed."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        if not self.images and not self.smoke:
            raise SightkitError(
                "Name at least one image file or folder.",
                "Before --background, which takes all that follows it."
                if self.background
                else "For example photo.jpg.",
            )
        require_read(self, "method", READS)
        require_at_least(self, stride=1)
        checked_sides(self.window or (1, 1), 1)
        if not 1 < self.scale < math.inf:
            raise SightkitError("--scale must be above 1.", "Give 1.5.", scale=self.scale)
        for name, value in (("threshold", self.threshold), ("overlap", self.overlap)):
            if value is not None and not 0 <= value <= 1:
                raise SightkitError(f"--{name} must be from 0 to 1.", "Give 0.5.", **{name: value})
        self._check_network()

    @property
    def windows(self) -> bool:
        """Whether the method classifies windows."""
        return self.method in ("sliding", "dense")

    @property
    def needs_keras(self) -> bool:
        """Whether ``finder`` builds a network of Keras; a compiled one may do without it."""
        made_up = self.bundle is None and self.model is None
        return self.method == "dense" or (self.method == "sliding" and made_up)

    def _check_network(self) -> None:
        given = [each for each in (self.bundle, self.model) if each is not None]
        needed = self.method == "bundle" or (self.windows and not self.smoke)
        if len(given) > 1 or (needed and not given):
            raise SightkitError(
                "Name one network.",
                "Give --bundle RUN/bundle, or --model mobilenet_0.75."
                if self.windows
                else "Give --bundle RUN/bundle.",
                method=self.method,
                bundle=self.bundle and str(self.bundle),
                model=self.model,
            )
        names: Sequence[str] = MADE_UP
        if self.bundle is not None:
            names = check_bundle(self.bundle, KINDS[self.method])["class_names"]
        if self.model is not None:
            transfer.source_of(self.model)
            names = transfer.imagenet_classes()[0] if self.background else ()
        background_indices(self.background, names)

    def finder(self) -> Finder:
        """Return the detector as a function of a picture."""
        threshold = self.threshold
        if self.windows:
            from sightkit.apps.detection.regions import BatchedWindows, classify_regions

            classifier = self._classifier()
            if self.method == "dense":
                from sightkit.apps.detection.dense import DenseWindows

                windows: Any = DenseWindows(classifier, self.stride)
            else:
                windows = BatchedWindows(classifier, self.window, self.stride)
            return lambda image: classify_regions(
                windows,
                image,
                scale=self.scale,
                threshold=0.9 if threshold is None else threshold,
                background=self.background,
                overlap=self.overlap,
            )
        least = 0.5 if threshold is None else threshold
        if self.bundle is not None:
            detector = load_detector(self.bundle, cache=_files.user_cache("compiled"))
            return lambda image: detector.predict(image, least_score=least)[0]
        from sightkit.apps.detection.haar import find_faces
        from sightkit.apps.detection.pedestrians import find_pedestrians

        find = find_faces if self.method == "haar" else find_pedestrians
        return lambda image: find(image).of_score(least)

    def _classifier(self) -> Any:
        cache = _files.user_cache("compiled")
        if self.bundle is not None:
            load = training.load_bundle if self.method == "dense" else transfer.load
            return load(self.bundle, cache=cache)
        if self.model is not None:
            return transfer.pretrained(self.model, cache=cache)
        shape = (SAMPLE, SAMPLE, 3)
        network = zoo.build("convnet", input_shape=shape, classes=2, filters=(4, 8), hidden=(8,))
        chain = Pipeline((SimplePreprocessor(SAMPLE, SAMPLE), ImageToArrayPreprocessor()))
        return training.Bundle.of(network, chain, MADE_UP)
