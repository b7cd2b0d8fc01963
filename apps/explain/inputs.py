"""The inputs of a network: one array, or a list of those where it has several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from sightkit._errors import SightkitError

Inputs = Any
"""float32 (N, H, W, C), prepared for the network; a list of those where it has several inputs."""


def several(inputs: Inputs) -> list[np.ndarray]:
    """Return the inputs as a list."""
    return list(inputs) if isinstance(inputs, list | tuple) else [inputs]


def one_or_list(given: list[Any]) -> Any:
    """Return what a network is called with."""
    return given[0] if len(given) == 1 else given


def rows_of(inputs: Inputs, rows: slice) -> list[np.ndarray]:
    """Return some of the images, of every input."""
    return [each[rows] for each in several(inputs)]


def as_array(tensor: Any) -> np.ndarray:
    """Return a tensor of the backend as an array."""
    return keras.ops.convert_to_numpy(tensor)


def require_inputs(network: keras.Model, given: Sequence[Any], about: int = 0) -> None:
    """Raise unless arrays are as many as a network has inputs, each of its shape.

    Args:
        network: one that was written as a class does not know the shapes, and is not checked.
        given: arrays or tensors, (N, H, W, C) each.
        about: index of the explained one.

    Raises:
        SightkitError: another number of inputs, another shape, or no such index.
    """
    shapes: list[Any] = [getattr(each, "shape", None) for each in given]
    if None in shapes:
        raise SightkitError(
            "Inputs are an array, (images, height, width, channels), or a list of arrays.",
            "Make one of the images: np.stack(images).",
            inputs=[type(each).__name__ for each in given][:3],
        )
    wanted = [tuple(each.shape) for each in getattr(network, "inputs", None) or ()]
    if wanted and not (
        len(shapes) == len(wanted)
        and all(_fits(tuple(one), other) for one, other in zip(shapes, wanted, strict=True))
    ):
        raise SightkitError(
            f"The inputs must have the shape that the network takes: {wanted}.",
            "Prepare the images for it, or explain a bundle, which prepares photos itself.",
            shapes=[tuple(each) for each in shapes],
        )
    if not 0 <= about < len(given):
        raise SightkitError(
            "about is the index of an input.",
            f"Give one from 0 to {len(given) - 1}.",
            about=about,
            inputs=len(given),
        )


def _fits(shape: tuple[Any, ...], wanted: tuple[Any, ...]) -> bool:
    """Return whether a shape is a network's, images aside; None stands for any number."""
    return len(shape) == len(wanted) and all(
        None in pair or pair[0] == pair[1] for pair in zip(shape[1:], wanted[1:], strict=True)
    )
