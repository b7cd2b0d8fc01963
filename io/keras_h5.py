"""Files of Keras 1 and 2, and today's ``model.save("x.h5")``: a group of arrays for each layer."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from sightkit._errors import SightkitError
from sightkit._hdf5 import attribute, numbers, open_hdf5


@dataclass(frozen=True)
class KerasH5:
    """The contents of such a file.

    Attributes:
        config: the network's description, JSON as text; None where the file holds weights alone.
        layers: name of each layer that has weights to its arrays, float32, in the file's order.
    """

    config: str | None
    layers: dict[str, list[np.ndarray]]


def read_keras_h5(path: str | os.PathLike[str]) -> KerasH5:
    """Read an ``.h5`` file that Keras wrote, as arrays and text: nothing in it is executed.

    The attribute ``layer_names`` lists the layers, ``weight_names`` of each group its arrays.

    Raises:
        SightkitError: no HDF5, no file of Keras, or arrays outside the file.
    """
    try:
        with open_hdf5(path) as objects:
            config = attribute(objects[""], "model_config")
            top = "model_weights" if "model_weights" in objects else ""
            layers = {
                name: [
                    np.asarray(numbers(objects[_below(top, name, weight)]), np.float32)
                    for weight in _names(objects[_below(top, name)], "weight_names")
                ]
                for name in _names(objects[top], "layer_names")
            }
    except ValueError as error:
        raise SightkitError(
            f"The file must hold weights of Keras: {error}.",
            "Fetch or save it again.",
            path=str(path),
        ) from error
    return KerasH5(config, {name: arrays for name, arrays in layers.items() if arrays})


def _below(*names: str) -> str:
    return "/".join(filter(None, names))


def _names(group: Any, name: str) -> list[str]:
    """Return a list of names, which Keras divides among several attributes where it is long."""
    parts = [attribute(group, name)]
    while parts[0] is None and (part := attribute(group, f"{name}{len(parts) - 1}")) is not None:
        parts.append(part)
    names = [each for part in parts for each in part or ()]
    return [each.decode() if isinstance(each, bytes) else str(each) for each in names]
