"""From any photo to a row of a dataset file, or to a network's input, grey or in colour."""

from __future__ import annotations

import numpy as np

from sightkit._errors import SightkitError
from sightkit.io import DatasetFile
from sightkit.preprocessing import (
    AspectAwarePreprocessor,
    ColourPreprocessor,
    GrayscalePreprocessor,
    Pipeline,
    Preprocessor,
    from_config,
)

SIZES = ((300, 400), (431, 307))
"""Height and width of the photos that a chain is tried on."""


def photo_chain(file: DatasetFile) -> tuple[Preprocessor, str]:
    """Return the chain that makes any photo such an image as a file's, and a line for the user.

    Where the file does not say how its images were made grey or that small (they were arrays, for
    example), the missing steps come first; the line names them, and is empty where none is missing.
    """
    own = from_config(file.preprocessing) if file.preprocessing else Pipeline()
    height, width, channels = file.shape[1:]
    colour, size = step_to(channels), AspectAwarePreprocessor(width, height)
    for steps in ((), (colour,), (size,), (colour, size)):
        chain = Pipeline((*steps, own)) if steps else own
        if all(_form(chain, photo, 3) == file.shape[1:] for photo in SIZES):
            names = " and ".join(type(step).__name__ for step in steps)
            line = (
                f"{file.path.name} does not say how photos become its {width}x{height}x{channels} "
                f"images: those that the network is shown later go through {names} first."
            )
            return chain, line if steps else ""
    return own, ""


def for_grey_and_colour(chain: Preprocessor, channels: int) -> Preprocessor:
    """Return a chain that takes grey and colour photos alike, for a network of 1 or 3 channels."""
    steps = chain.steps if isinstance(chain, Pipeline) else (chain,)
    for each in (chain, Pipeline((step_to(channels), *steps))):
        if all((_form(each, SIZES[0], given) or (0,))[-1] == channels for given in (1, 3)):
            return each
    return chain


def step_to(channels: int) -> Preprocessor:
    """Return the step to grey, or to colour."""
    return GrayscalePreprocessor() if channels == 1 else ColourPreprocessor()


def _form(chain: Preprocessor, size: tuple[int, int], channels: int) -> tuple[int, ...] | None:
    try:
        return chain(np.zeros((*size, channels), np.uint8)).shape
    except SightkitError:
        return None
