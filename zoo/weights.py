"""Loading weights: all of them, into the network they were saved from, or none."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras.src.saving import saving_lib

from sightkit._errors import SightkitError
from sightkit._hdf5 import attribute, numbers, open_hdf5
from sightkit._network import flat_layers
from sightkit.zoo.budget import limited_weights

OLD_LAYERS = "_layer_checkpoint_dependencies/"
"""What TensorFlow 2.12 to 2.15 called the group of layers."""

SHOWN = 200
"""Differences that an error lists."""


def load_weights(model: keras.Model, path: str | os.PathLike[str]) -> None:
    """Load a ``.weights.h5`` file after every shape in it has been compared with the network.

    The file is read as arrays: no layer is built, no code of the file runs, no link out of it is
    followed. Values are assigned only when all fit.

    Args:
        model: the network to fill, built as the one that was saved.
        path: file written by ``model.save_weights``.

    Raises:
        SightkitError: no such file, no weights file, or weights of another network; the message
            lists the differences layer by layer, and the network is as it was.
    """
    _fill(model, _stored_weights(Path(path)), path)


def load_network(build: Callable[[], keras.Model], path: str | os.PathLike[str]) -> keras.Model:
    """Build a network that a file describes, with the weights of a file.

    The weights are read first: while the network is built, it may have no more than those.

    Raises:
        SightkitError: what ``build`` or ``load_weights`` raises, or a network of more weights.
    """
    stored = _stored_weights(Path(path))
    with limited_weights([array for _, array in stored.values()], path):
        network = build()
    _fill(network, stored, path)
    return network


def _fill(
    model: keras.Model, stored: Mapping[str, tuple[str, np.ndarray]], path: str | os.PathLike[str]
) -> None:
    variables = variables_by_place(model)
    differences = _differences(stored, variables)
    if differences:
        raise SightkitError(
            "The file must hold this network's weights; nothing was loaded:\n  "
            + "\n  ".join(differences[:SHOWN])
            + f"\n  and {len(differences) - SHOWN} more" * (len(differences) > SHOWN)
            + "\n",
            "Build the network with the builder, classes and input shape it was saved with.",
            path=str(path),
            model=model.name,
        )
    for key, (_, variable) in variables.items():
        variable.assign(stored[key][1])
    finalize(model)


def finalize(network: keras.Model) -> None:
    """Let layers that compute with what they derive from their weights derive it again."""
    for layer in flat_layers(network):
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()


def _stored_weights(path: Path) -> dict[str, tuple[str, np.ndarray]]:
    """(layer's name in the file, array) by place in the file, as in ``layers/conv2d_1/0``."""
    if not path.name.endswith(".weights.h5"):
        raise SightkitError(
            "Only weights are loaded, never a model: the name must end in .weights.h5.",
            "Save them with model.save_weights.",
            path=str(path),
        )
    stored = {}
    try:
        with open_hdf5(path) as objects:
            for inside, each in objects.items():
                place = inside.replace(OLD_LAYERS, "layers/").replace("/vars/", "/")
                if _is_weight(place) and not hasattr(each, "keys"):
                    name = attribute(each.parent, "name")
                    stored[place] = (str(name or ""), numbers(each))
    except ValueError as error:
        raise SightkitError(
            f"The file must hold Keras weights: {error}.", "It may be damaged.", path=str(path)
        ) from error
    return stored


class _Places(saving_lib.H5IOStore):
    """Takes the variables of a network where Keras would write their values."""

    def __init__(self) -> None:
        self.found: dict[str, tuple[str, Any]] = {}
        self.place = self.layer = ""

    def __bool__(self) -> bool:
        return True

    def make(self, path: str, metadata: Any = None) -> _Places:
        self.place, self.layer = path, (metadata or {}).get("name", "")
        return self

    def __setitem__(self, key: str, value: Any) -> None:
        self.found[f"{self.place}/{key}"] = (self.layer, value)


def variables_by_place(network: keras.Model) -> dict[str, tuple[str, Any]]:
    """(layer's name, variable) by place in the file that Keras writes of a network."""
    places = _Places()
    saving_lib._save_state(network, places, None, "", set())
    return {place: found for place, found in places.found.items() if _is_weight(place)}


def _is_weight(place: str) -> bool:
    return place.startswith("layers/") and "/seed_generator/" not in place


def _differences(
    stored: Mapping[str, tuple[str, np.ndarray]], wanted: Mapping[str, tuple[str, Any]]
) -> list[str]:
    """A line for each layer that only one side has, or whose variables differ."""
    lines: dict[str, list[str]] = {}
    for place, (layer, variable) in wanted.items():
        name, array = stored.get(place, ("", None))
        text = _difference(variable, array)
        if text:
            there = f" (in the file {name})" if name not in ("", layer) else ""
            lines.setdefault(layer + there, []).append(text)
    for place, (name, array) in stored.items():
        if place not in wanted:
            layer = name or place.rpartition("/")[0]
            lines.setdefault(layer, []).append(f"{array.shape} only in the file")
    return [f"{layer}: {', '.join(texts)}" for layer, texts in lines.items()]


def _difference(variable: Any, array: np.ndarray | None) -> str:
    shape = tuple(variable.shape)
    if array is None:
        return f"{variable.name} {shape} only in the network"
    if array.shape != shape:
        return f"{variable.name} {shape} in the network, {array.shape} in the file"
    whole = "int" in str(variable.dtype)  # the count of a Normalization
    if not np.issubdtype(array.dtype, np.integer if whole else np.floating):
        return f"{variable.name} holds {array.dtype} in the file, not floating-point numbers"
    return ""
