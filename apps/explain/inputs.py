"""The inputs of a network: one array, or a list of those where it has several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from sightkit._errors import SightkitError

Inputs = Any
"""float32 (N, H, W, C), prepared for the network; a list of those where it has several inputs."""


BATCH = 16
"""Images that are differentiated at once."""


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


def blank_inputs(network: keras.Model) -> Inputs:
    """Return zeros, float32 (1, H, W, C), as a network takes them; a list for several inputs."""
    shapes = [tuple(each.shape[1:]) for each in getattr(network, "inputs", None) or ()]
    if not shapes or any(None in shape for shape in shapes):
        raise SightkitError(
            "The network takes pictures of any size, or its input is not known yet.",
            "Give inputs, a picture as it takes them.",
            network=network.name,
            shapes=shapes,
        )
    return one_or_list([np.zeros((1, *shape), np.float32) for shape in shapes])


def in_batches(answer: Callable[..., Any], inputs: Inputs, *more: np.ndarray) -> Any:
    """Join the answers to parts of the inputs, and of further arrays, as arrays of NumPy."""
    given = several(inputs)
    if any(len(each) != len(given[0]) for each in given) or not len(given[0]):
        raise SightkitError(
            "Each input of a network takes as many images, at least one.",
            images=[len(each) for each in given],
        )
    parts = [
        answer([each[at : at + BATCH] for each in given], *(m[at : at + BATCH] for m in more))
        for at in range(0, len(given[0]), BATCH)
    ]
    return keras.tree.map_structure(lambda *each: np.concatenate(list(map(as_array, each))), *parts)


def require_pictures(pixels: np.ndarray) -> np.ndarray:
    """Return pixels (N, H, W, C), of which places can be marked; raise for anything else."""
    if np.ndim(pixels) != 4 or max(pixels.shape[1:3]) == 1:
        raise SightkitError(
            "Places are marked on pictures: (images, height, width, channels).",
            "Of other inputs take explain.gradient or explain.integrated_gradients.",
            shape=np.shape(pixels),
        )
    return pixels


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
