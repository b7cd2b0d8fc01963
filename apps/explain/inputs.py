"""The inputs of a network: one array, or a list of those where it has several."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

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
