"""Loading weights: all of them, into the network they were saved from, or none."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import keras
import numpy as np

from sightkit._errors import SightkitError


def load_weights(model: keras.Model, path: str | os.PathLike[str]) -> None:
    """Load a ``.weights.h5`` file after every shape in it has been compared with the network.

    The file is read as arrays by ``keras.saving.KerasFileEditor``, which builds no layer, runs no
    code of the file and follows no link out of it. Values are assigned only when all fit.

    Args:
        model: the network to fill, built as the one that was saved.
        path: file written by ``model.save_weights``.

    Raises:
        SightkitError: no such file, no weights file, a network inside the network, or weights of
            another network; the message lists the differences layer by layer, and the network is
            as it was.
    """
    stored = _stored_arrays(Path(path))
    variables = dict(_variables(model))
    differences = _differences(stored, variables)
    if differences:
        raise SightkitError(
            "The file must hold this network's weights; nothing was loaded:\n  "
            + "\n  ".join(differences)
            + "\n",
            "Build the network with the builder, classes and input shape it was saved with.",
            path=str(path),
            model=model.name,
        )
    for key, (_, variable) in variables.items():
        variable.assign(stored[key][1])


def _stored_arrays(path: Path) -> dict[str, tuple[str, np.ndarray]]:
    """(layer's name in the file, array) by place in the file, as in ``layers/conv2d_1/0``."""
    if not path.is_file():
        raise SightkitError(
            "The file must exist.", "Give the path of a .weights.h5 file.", path=str(path)
        )
    if not path.name.endswith(".weights.h5"):
        raise SightkitError(
            "Only weights are loaded, never a model: the name must end in .weights.h5.",
            "Save them with model.save_weights.",
            path=str(path),
        )
    try:
        with contextlib.redirect_stdout(StringIO()):  # the editor greets
            editor = keras.saving.KerasFileEditor(str(path))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SightkitError(
            f"The file must hold Keras weights ({error}).", "It may be damaged.", path=str(path)
        ) from error
    names = {place.strip("/"): entry["name"] for place, entry in editor.object_metadata.items()}
    return {
        place: (names.get(place.rpartition("/")[0], ""), array)
        for place, array in _flat(editor.weights_dict)
    }


def _flat(content: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, np.ndarray]]:
    for key, value in content.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{key}/")
        else:
            yield f"{above}{key}", np.asarray(value)


def _variables(model: keras.Model) -> Iterator[tuple[str, tuple[str, Any]]]:
    """(layer's name, variable) by place in the file, where Keras counts the layers of a class."""
    counts: dict[str, int] = {}
    for layer in model.layers:
        kind = _snake(type(layer).__name__)
        number = counts.get(kind, 0)
        counts[kind] = number + 1
        place = f"layers/{kind}_{number}" if number else f"layers/{kind}"
        if isinstance(layer, keras.Model):
            # Keras 3.15.1's KerasFileEditor passes over what is stored under a nested network.
            raise SightkitError(
                "Weights are compared layer by layer, so no layer may be a network itself.",
                "Build the network with one builder of the zoo; zoo.Surgery joins two.",
                model=model.name,
                layer=layer.name,
            )
        for index, variable in enumerate(layer.weights):
            yield f"{place}/{index}", (layer.name, variable)


def _snake(name: str) -> str:
    """Keras' own spelling of a class name in its files: Conv2D to conv2d, PReLU to p_re_lu."""
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


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
    if not np.issubdtype(array.dtype, np.floating):
        return f"{variable.name} holds {array.dtype} in the file, not floating-point numbers"
    return ""
