"""A classifier as a detector: windows of a picture in many sizes, classified and thinned out."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, runtime_checkable

import numpy as np

from sightkit._errors import SightkitError
from sightkit.apps.detection.boxes import clip_boxes
from sightkit.apps.detection.detections import Detections
from sightkit.apps.detection.suppression import non_maxima_suppression
from sightkit.apps.detection.window_chain import picture_chain, window_of
from sightkit.apps.detection.windows import (
    background_indices,
    checked_sides,
    image_pyramid,
    sliding_window,
)
from sightkit.evaluation import as_probabilities
from sightkit.preprocessing import SimplePreprocessor
from sightkit.training import Bundle
from sightkit.training.classifier import Classifier

PART = 256
"""Windows in memory at once that are preprocessed one by one."""
MOST_BYTES = 2**24
"""Of prepared windows in memory at once, where a batch of the engine is less: it waits for all of
its streams at the end of each part."""
WINDOW_BY_STRIDE = 4
LIKELY = 1 / 3
"""Share of the threshold from which on an answer of a padded network, computed densely, is
confirmed: MobileNet 0.25 changes a probability by more than 0.4 in one window of twenty."""


@runtime_checkable
class WindowClassifier(Protocol):
    """Answers for all windows of a picture: ``BatchedWindows`` or ``DenseWindows``."""

    window: tuple[int, int]
    stride: tuple[int, int]
    class_names: tuple[str, ...]

    def __call__(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return answers (N, classes) and corners (y, x), int64 (N, 2), as ``sliding_window``'s."""
        ...


class BatchedWindows:
    """A classifier on all windows of a picture, batch after batch through its own engine.

    A picture is preprocessed whole where the chain treats each pixel alike and leaves windows of
    this size as they are (``window_chain``); else window by window.

    Args:
        classifier: of ``training.load_bundle``, ``transfer.load`` or ``transfer.pretrained``; its
            engine is a fast one if it was loaded with ``cache=`` or ``images=``. A predictor of
            ``inference.compile`` becomes one with its preprocessing and class names, see
            ``training.Bundle``.
        window: (height, width), pixels; by default what the chain hands to the network unresized.
        stride: pixels, or (down, right); by default a quarter of the window.

    Raises:
        SightkitError: a window or stride below 1; no window, where the classifier does not tell.
    """

    def __init__(
        self,
        classifier: Classifier,
        window: tuple[int, int] | None = None,
        stride: int | tuple[int, int] | None = None,
    ) -> None:
        self._classifier = classifier
        self.class_names = classifier.class_names
        size = _input_size(classifier)
        if window is None:
            if size is None:
                raise SightkitError(
                    "This classifier does not tell the size of its windows.",
                    "Give --window 64 64, for example.",
                    classifier=type(classifier).__name__,
                )
            window = window_of(classifier.preprocessing, size)  # type: ignore[attr-defined]
        if stride is None:
            stride = max(1, min(window) // WINDOW_BY_STRIDE)
        self.window, self.stride = checked_sides(window, stride)
        self._size, self._chain = size, None
        if size is not None and isinstance(classifier, Bundle):
            self._chain = picture_chain(classifier.preprocessing, self.window, size)

    def __call__(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Answer for all windows of a picture.

        Args:
            image: uint8 (H, W, 3) RGB, or (H, W, 1).

        Returns:
            float32 (N, classes), as the classifier gives them, and corners (y, x), int64 (N, 2).

        Raises:
            SightkitError: a picture smaller than the window, or a stride below 1.
        """
        _, corners = sliding_window(image, self.window, self.stride)
        return self.at(image, corners), corners

    def at(self, image: np.ndarray, corners: np.ndarray) -> np.ndarray:
        """Answer, float32 (N, classes), for windows at (y, x), int64 (N, 2), of a picture."""
        if self._chain is None or self._size is None:
            views, _ = sliding_window(image, self.window, 1)
            part = min(PART, self._classifier.images_a_batch)
            predict = self._classifier.predict
            answers = [predict(list(views[tuple(some.T)])) for some in _parts(corners, part)]
            return np.concatenate(answers)
        views, _ = sliding_window(self._chain.pixels(image), self._size, 1)
        predictor = self._classifier.predictor  # type: ignore[attr-defined]
        part = max(predictor.batch_size, MOST_BYTES // (views[0, 0].size * 4))
        parts = _parts(corners + self._chain.margin, part)
        # Two buffers, one filled while the engine reads the other: fresh ones cost a copy more.
        buffers = np.empty((2, min(part, len(corners)), *views.shape[2:]), np.float32)

        def fill(number: int) -> np.ndarray:
            batch = buffers[number % 2, : len(parts[number])]
            for row, (y, x) in zip(batch, parts[number], strict=True):
                row[...] = views[y, x]
            return batch

        answers = []
        with ThreadPoolExecutor(1) as pool:
            filled = pool.submit(fill, 0)
            for number in range(len(parts)):
                batch = filled.result()
                if number + 1 < len(parts):
                    filled = pool.submit(fill, number + 1)
                answers.append(predictor(batch))
        return np.concatenate(answers)


def classify_regions(
    windows: WindowClassifier | Classifier,
    image: np.ndarray,
    *,
    scale: float = 1.5,
    threshold: float = 0.9,
    background: Collection[str] = (),
    overlap: float = 0.3,
) -> Detections:
    """Find things in a picture by a classifier: pyramid, windows, threshold, suppression.

    A window is of its most probable class, if that is no background and reaches the threshold. Each
    picture of the pyramid is resized to the nearest size that windows fill without a rest (by less
    than a stride), so that they end with it and a dense network needs one evaluation. Where that
    pads, the window alone confirms every answer of at least a third of the threshold: what is found
    has the score that ``BatchedWindows`` gives it.

    Args:
        windows: ``BatchedWindows`` or ``DenseWindows``; of a classifier its batched windows.
        image: uint8 (H, W, 3) RGB, or (H, W, 1).
        scale: of the pyramid, above 1. Things smaller than the window are not found.
        threshold: least probability.
        background: class names that are not things: "background", "none of these".
        overlap: intersection over union from which of two boxes of a class one is dropped.

    Returns:
        Boxes in pixels of ``image``.

    Raises:
        SightkitError: a picture smaller than the window, an unknown background, a threshold outside
            0 to 1, or an answer that is NaN.
    """
    if not isinstance(windows, WindowClassifier):
        windows = BatchedWindows(windows)
    names = windows.class_names
    ignored = background_indices(background, names)
    if not 0 <= threshold <= 1:
        raise SightkitError("threshold must be a probability, 0 to 1.", threshold=threshold)
    boxes, scores, labels = [], [], []
    for picture, _ in image_pyramid(image, scale, windows.window):
        fitted = fit_to_windows(picture, windows.window, windows.stride)
        answers, corners = windows(fitted)
        answers = as_probabilities(answers, names)
        if getattr(windows, "padded", ()):
            answers = _confirmed(windows, answers, fitted, corners, ignored, threshold)
        if np.isnan(answers).any():
            raise SightkitError(
                "A classifier must answer with numbers, and this one gave nan.",
                "Look for the first nan in its weights.",
                windows=int(np.isnan(answers).any(axis=1).sum()),
            )
        best = answers.argmax(axis=1)
        score = np.minimum(answers[np.arange(len(best)), best], 1)
        chosen = (score >= threshold) & ~np.isin(best, ignored)
        boxes.append(_boxes(corners[chosen], windows.window, fitted, image))
        scores.append(score[chosen])
        labels.append(best[chosen])
    found = np.concatenate(boxes), np.concatenate(scores), np.concatenate(labels)
    kept = non_maxima_suppression(*found, overlap=overlap)
    box, score, label = (values[kept] for values in found)
    return Detections(box, score, label, names)


def fit_to_windows(
    image: np.ndarray, window: tuple[int, int], stride: tuple[int, int]
) -> np.ndarray:
    """Resize a picture to the nearest size that is the window's and a multiple of the stride more.

    Raises:
        SightkitError: a picture smaller than the window, or a stride below 1.
    """
    sliding_window(image, window, stride)  # checks
    height, width = (
        own + step * max(0, round((side - own) / step))
        for side, own, step in zip(image.shape[:2], window, stride, strict=True)
    )
    return SimplePreprocessor(width, height)(image)


def _confirmed(
    windows: Any,
    answers: np.ndarray,
    image: np.ndarray,
    corners: np.ndarray,
    ignored: list[int],
    threshold: float,
) -> np.ndarray:
    """Return dense answers, those that may be of a thing by the network on the window itself."""
    answers = answers.copy()
    things = answers.copy()
    things[:, ignored] = 0
    likely = things.max(axis=1) >= threshold * LIKELY
    if likely.any():
        exact = windows.at(image, corners[likely])
        answers[likely] = as_probabilities(exact, windows.class_names)
    return answers


def _boxes(
    corners: np.ndarray, window: tuple[int, int], picture: np.ndarray, image: np.ndarray
) -> np.ndarray:
    """Return the boxes, (N, 4), in ``image`` of windows in a smaller picture of it."""
    upper = corners[:, ::-1]
    boxes = np.concatenate([upper, upper + window[::-1]], axis=1).astype(np.float32)
    (height, width), (rows, columns) = image.shape[:2], picture.shape[:2]
    factors = np.array([width / columns, height / rows] * 2, np.float32)
    return clip_boxes(boxes * factors, (height, width))


def _input_size(classifier: Any) -> tuple[int, int] | None:
    """Return (height, width) of a bundle's network; None for other classifiers, or any size."""
    shape = classifier.predictor.input_shape if isinstance(classifier, Bundle) else None
    if shape is None or len(shape) != 4:
        return None
    height, width = shape[1:3]
    return None if height is None or width is None else (height, width)


def _parts(corners: np.ndarray, size: int) -> list[np.ndarray]:
    return [corners[start : start + size] for start in range(0, len(corners), size)]
