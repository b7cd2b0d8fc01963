"""What an answer loses where parts of a picture are hidden: no gradient, any classifier."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import cv2
import numpy as np
from scipy.special import softmax

from sightkit import inference
from sightkit._errors import SightkitError
from sightkit.apps.explain.explainer import Explainer, Inputs, Target
from sightkit.apps.explain.inputs import several
from sightkit.apps.explain.scores import class_probabilities


class Answers:
    """Probabilities of many versions of an image, through the fast engine where there is one.

    Args:
        explainer: of the network.
        inputs: the images, as the network takes them.
        images: how many versions will be answered.
    """

    def __init__(self, explainer: Explainer, inputs: Inputs, images: int) -> None:
        self._explainer, self._inputs = explainer, inputs
        self._predict: Callable[[Inputs], Any] = explainer.model.predict_on_batch
        if explainer.state:
            self._predict = lambda given: softmax(explainer.scores(given), axis=1)
        elif len(several(inputs)) == 1:
            self._predict = inference.compile(explainer.model, images=images)

    def __call__(self, row: int, versions: np.ndarray) -> np.ndarray:
        """Return float32 (M, classes) of versions (M, H, W, C) of one image."""
        one = self._explainer.part(self._inputs, slice(row, row + 1))
        return class_probabilities(self._predict(self._explainer.repeated(one, versions)))


def occlusion(
    explainer: Explainer,
    inputs: Inputs,
    target: Target = None,
    *,
    window: int | None = None,
    stride: int | None = None,
    fill: float | None = None,
    batch_size: int = 64,
) -> np.ndarray:
    """Return what the class' probability loses, place by place, where a square is hidden.

    Args:
        explainer: of the network.
        inputs: images, as the network takes them.
        target: the class.
        window: side of the square, pixels; a fifth of the image's by default.
        stride: pixels between squares; half a window by default.
        fill: value of the hidden pixels; the image's mean of each channel by default.
        batch_size: hidden versions in memory at once.

    Returns:
        float32 (N, H, W): the mean loss over all squares on a place; positive pixels speak for the
        class.

    Raises:
        SightkitError: a window larger than the image, or a stride below 1.

    Reference:
        Zeiler, Fergus, "Visualizing and understanding convolutional networks", 2013,
        arXiv:1311.2901.
    """
    pixels = explainer.pictures(inputs)
    count, height, width = pixels.shape[:3]
    window = max(1, min(height, width) // 5) if window is None else window
    stride = max(1, window // 2) if stride is None else stride
    if not 1 <= window <= min(height, width) or stride < 1:
        raise SightkitError(
            "The window is at most as large as the image, and moves by at least a pixel.",
            window=window,
            stride=stride,
            image=(height, width),
        )
    places = [
        (y, x) for y in _starts(height, window, stride) for x in _starts(width, window, stride)
    ]
    target = explainer.targets(inputs, target)
    answers = Answers(explainer, inputs, count * len(places))
    found = np.zeros((count, height, width), np.float32)
    covered = np.zeros((height, width), np.float32)
    for y, x in places:
        covered[y : y + window, x : x + window] += 1
    for row, image in enumerate(pixels):
        hidden = image.mean(axis=(0, 1)) if fill is None else fill
        whole = answers(row, image[None])[0, target[row]]
        for at in range(0, len(places), batch_size):
            some = places[at : at + batch_size]
            versions = np.repeat(image[None], len(some), axis=0)
            for version, (y, x) in zip(versions, some, strict=True):
                version[y : y + window, x : x + window] = hidden
            lost = whole - answers(row, versions)[:, target[row]]
            for (y, x), loss in zip(some, lost, strict=True):
                found[row, y : y + window, x : x + window] += loss
    return found / covered


def rise(
    explainer: Explainer,
    inputs: Inputs,
    target: Target = None,
    *,
    masks: int = 1000,
    cells: int = 7,
    shown: float = 0.5,
    seed: int = 0,
    batch_size: int = 64,
) -> np.ndarray:
    """Return the mean probability of the class over random masks that show a place (RISE).

    Args:
        explainer: of the network.
        inputs: images, as the network takes them.
        target: the class.
        masks: how many.
        cells: of a mask, in each direction.
        shown: share of cells that are shown.
        seed: of the masks, the same for each image.
        batch_size: masked versions in memory at once.

    Returns:
        float32 (N, H, W), above the mean over all places where the class is found.

    Reference:
        Petsiuk, Das, Saenko, "RISE", 2018, arXiv:1806.07421.
    """
    if masks < 1 or cells < 1 or not 0 < shown < 1:
        raise SightkitError(
            "There is at least one mask, of one cell, and shown is a share between 0 and 1.",
            masks=masks,
            cells=cells,
            shown=shown,
        )
    pixels = explainer.pictures(inputs)
    target = explainer.targets(inputs, target)
    answers = Answers(explainer, inputs, len(pixels) * masks)
    found = np.zeros(pixels.shape[:3], np.float32)
    for row, image in enumerate(pixels):
        for some in _random_masks(masks, cells, shown, image.shape[:2], seed, batch_size):
            shares = answers(row, image * some[..., None])[:, target[row]]
            found[row] += np.tensordot(shares, some, axes=1)
    return found / (masks * shown)


def _starts(side: int, window: int, stride: int) -> list[int]:
    """Return where windows begin; the last one ends with the image."""
    return sorted({*range(0, side - window, stride), side - window})


def _random_masks(
    masks: int, cells: int, shown: float, size: tuple[int, ...], seed: int, batch_size: int
) -> Iterator[np.ndarray]:
    """Yield masks, float32 (M, H, W), 0 to 1: cells at random, enlarged smoothly and shifted."""
    rng = np.random.default_rng(seed)
    height, width = (-(-side // cells) for side in size)
    for at in range(0, masks, batch_size):
        count = min(batch_size, masks - at)
        grids = (rng.random((count, cells + 1, cells + 1)) < shown).astype(np.float32)
        whole = ((cells + 1) * width, (cells + 1) * height)
        shifts = rng.integers(0, (height, width), (count, 2))
        yield np.stack([
            cv2.resize(grid, whole)[y : y + size[0], x : x + size[1]]
            for grid, (y, x) in zip(grids, shifts, strict=True)
        ])  # fmt: skip
