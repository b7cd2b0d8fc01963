"""Test-time augmentation: several views of each image in one pass; ten crops, mirror images."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from sightkit._errors import SightkitError
from sightkit.inference import Predictor
from sightkit.preprocessing import (
    AspectAwarePreprocessor,
    CropPreprocessor,
    MirrorPreprocessor,
    Pipeline,
    Preprocessor,
    SimplePreprocessor,
    flat_steps,
)

VIEWS = (1, 2, 5, 10)
"""The image; and its mirror image; four corners and the centre; and their mirror images."""
MARGIN = 8 / 7
"""An image is enlarged to so much of the crop before it is cut: 256 for 224, as in the papers."""
WIDEST = 4 / 3
"""Images that are larger than the crop, by no more than that, are cut as they are."""
BATCH_BYTES = 2**25

Resize: TypeAlias = SimplePreprocessor | AspectAwarePreprocessor


def average_views(
    predictor: Callable[[np.ndarray], np.ndarray], *, sure: float | None = None
) -> Callable[[np.ndarray], np.ndarray]:
    """Return a predictor of stacks: (N, views, H, W, C) to the mean of each, (N, classes).

    All views of all images go through the network as one sequence, in full batches. Images,
    (N, H, W, C), are answered as before.

    Args:
        predictor: of images.
        sure: probability from which the answer to an image's first view is enough, so that most
            images take the time of one; None: every view of every image.
    """

    def mean(stacks: np.ndarray) -> np.ndarray:
        count, views = stacks.shape[:2]
        answers = predictor(stacks.reshape(-1, *stacks.shape[2:]))
        return answers.reshape(count, views, -1).mean(axis=1)

    def answer(images: np.ndarray) -> np.ndarray:
        if images.ndim < 5:
            return predictor(images)
        views = images.shape[1]
        if sure is None or views == 1:
            return mean(images)
        answers = np.array(predictor(np.ascontiguousarray(images[:, 0])))
        if np.any(unsure := answers.max(axis=1) < sure):
            others = mean(images[unsure, 1:])
            answers[unsure] += (others - answers[unsure]) * np.float32((views - 1) / views)
        return answers

    return answer


def images_a_batch(predictor: Predictor, views: int, size: tuple[int, int]) -> int:
    """Return the number of images whose views just fill the network's batch.

    Fewer where the views, as floats in colour, would take more than 32 MiB: larger arrays come
    fresh from the system each time, which cost as much again as cutting them (measured: 250 views
    of 224x224 0.56 s, in parts of 60 0.15 s). 50 of them fill a processor.

    Args:
        predictor: whose ``batch_size`` is to be filled.
        views: of each image.
        size: (height, width) of a view.
    """
    view = 4 * 3 * size[0] * size[1]
    return max(1, min(predictor.batch_size, BATCH_BYTES // view) // views)


def with_views(
    chain: Preprocessor, size: tuple[int, int], views: int, *, stored: tuple[int, ...] | None = None
) -> Pipeline:
    """Return an evaluation chain that makes several views of each image, for ``average_views``.

    The last step that resizes to the network's input makes a larger image instead, out of which
    the crops are cut; a step ``AspectAwarePreprocessor(crop=0.875)``, whose middle is the network's
    input, makes the image that this middle is of. Images between the input and 4/3 of it are cut
    as they are. Where no step resizes, the images are enlarged by 8/7 first.

    Args:
        chain: from image to the network's input.
        size: (height, width) of the input.
        views: 1, 2 (mirror image), 5 (corners and centre) or 10 (both).
        stored: (height, width) of the images that the chain will be given, if they are all alike.

    Raises:
        SightkitError: another number of views, or a chain that makes several views already.
    """
    steps = flat_steps(chain)
    if views not in VIEWS or any(step.crops for step in steps):
        raise SightkitError(
            f"An image has {', '.join(map(str, VIEWS))} views, and the chain must not make several "
            "itself.",
            views=views,
            chain=chain,
        )
    if views == 1:
        return Pipeline(steps)
    height, width = size
    place, resize = -1, SimplePreprocessor(width, height)
    for k, step in enumerate(steps):
        if isinstance(step, Resize) and (step.height, step.width) == size:
            place, resize = k, step
    after = steps[place + 1 :]
    if views == 2:
        return Pipeline((*steps[: place + 1], MirrorPreprocessor(), *after))
    before = steps[: max(place, 0)]
    sizes = [(step.height, step.width) for step in before if isinstance(step, Resize)]
    larger = _enlarged(resize, sizes[-1] if sizes else stored)
    return Pipeline((*before, *larger, CropPreprocessor(width, height, views == 10), *after))


def _enlarged(resize: Resize, given: tuple[int, ...] | None) -> tuple[Preprocessor, ...]:
    """The step that makes the image that crops are cut from, in place of one of input size."""
    sides = (resize.height, resize.width)
    if given and given != sides:
        if all(side <= of <= WIDEST * side for side, of in zip(sides, given, strict=True)):
            return ()
    if isinstance(resize, SimplePreprocessor):
        height, width = (round(MARGIN * side) for side in sides)
        return (SimplePreprocessor(width, height),)
    share = resize.crop if resize.crop < 1 else 1 / MARGIN
    height, width = (round(side / share) for side in sides)
    return (AspectAwarePreprocessor(width, height),)
