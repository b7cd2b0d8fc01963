"""Several views of one image, whose features are averaged: mirrored, and five crops of each."""

from __future__ import annotations

import dataclasses
from typing import Literal, get_args

import numpy as np

from sightkit._errors import SightkitError
from sightkit.preprocessing import (
    AspectAwarePreprocessor,
    CropPreprocessor,
    Pipeline,
    Preprocessor,
    SimplePreprocessor,
)

Crops = Literal[1, 2, 10]
"""The middle; with its mirror image; four corners and the middle, and the mirror image of each."""
MIDDLE = 0.875
"""Share of the side that the middle crop keeps, where the chain does not say."""


def check_crops(crops: int) -> None:
    """Raise unless ``crops`` is 1, 2 or 10."""
    if crops not in get_args(Crops):
        raise SightkitError(
            "crops must be 1 (the middle), 2 (with its mirror image) or 10 (five crops, both ways "
            "round).",
            crops=crops,
        )


def with_crops(chain: Preprocessor, crops: int) -> Preprocessor:
    """Return the chain that makes the views of one image, all but the mirrored ones.

    For ten of them the step that makes the image its size makes it larger, so that its middle
    shows what it showed, and five crops are cut out of that.

    Raises:
        SightkitError: ten crops of a chain that resizes with neither ``AspectAwarePreprocessor``
            nor ``SimplePreprocessor``.
    """
    check_crops(crops)
    if crops < 10:
        return chain
    steps = chain.steps if isinstance(chain, Pipeline) else (chain,)
    for index, step in enumerate(steps):
        if isinstance(step, AspectAwarePreprocessor):
            share = step.crop if step.crop < 1 else MIDDLE
            larger: Preprocessor = dataclasses.replace(
                step, width=round(step.width / share), height=round(step.height / share), crop=1.0
            )
        elif isinstance(step, SimplePreprocessor):
            larger = dataclasses.replace(
                step, width=round(step.width / MIDDLE), height=round(step.height / MIDDLE)
            )
        else:
            continue
        cut = CropPreprocessor(step.width, step.height, mirrors=False)
        return Pipeline((*steps[:index], larger, cut, *steps[index + 1 :]))
    raise SightkitError(
        "Ten crops need a step of the preprocessing that resizes.",
        "Give crops=2, or 1.",
        preprocessing=chain,
    )


def all_views(images: np.ndarray, crops: int) -> np.ndarray:
    """Add the mirrored views to the output of ``with_crops``' chain: (N, crops, H, W, C).

    Args:
        images: (N, H, W, C), or (N, 5, H, W, C) of ten crops.
        crops: number of views.
    """
    views = images if crops == 10 else images[:, np.newaxis]
    return views if crops == 1 else np.concatenate([views, views[:, :, :, ::-1]], axis=1)
