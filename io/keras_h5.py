"""Files of Keras 1 and 2, and today's ``model.save("x.h5")``: a group of arrays for each layer."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sightkit._errors import SightkitError
from sightkit.io.hdf5.opening import open_to_read, own_dataset, own_member


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
        with open_to_read(Path(path)) as file:
            config = file.attrs.get("model_config")
            group = own_member(file, "model_weights") if "model_weights" in file else file
            layers = dict(_layers(group, file.id.get_filesize()))
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise SightkitError(
            f"The file must hold weights of Keras ({str(error).splitlines()[0]}).",
            "Fetch or save it again.",
            path=str(path),
        ) from error
    return KerasH5(config.decode() if isinstance(config, bytes) else config, layers)


def _layers(group: Any, room: int) -> Iterator[tuple[str, list[np.ndarray]]]:
    for name in _names(group, "layer_names"):
        layer, arrays = own_member(group, name), []
        for weight in _names(layer, "weight_names"):
            dataset = own_dataset(layer, weight)
            room -= dataset.nbytes
            if room < 0:
                raise ValueError(f"{weight} declares more bytes than the file has")
            arrays.append(np.asarray(dataset[...], np.float32))
        if arrays:
            yield name, arrays


def _names(group: Any, attribute: str) -> list[str]:
    """Return a list of names, which Keras divides among several attributes where it is long."""
    if attribute in group.attrs:
        parts = [group.attrs[attribute]]
    else:
        parts = []
        while f"{attribute}{len(parts)}" in group.attrs:
            parts.append(group.attrs[f"{attribute}{len(parts)}"])
    names = [name for part in parts for name in part]
    return [name.decode() if isinstance(name, bytes) else str(name) for name in names]
