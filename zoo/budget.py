"""A limit to the weights of a network while it is built by a description that comes from a file."""

from __future__ import annotations

import contextlib
import math
import os
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from unittest import mock

import keras

from sightkit._errors import SightkitError
from sightkit._network import flat_layers

MOST_VALUES = 2**28
"""Of a layer's output for one image: a gigabyte."""
FIRST, NAME = re.compile(r"[A-Za-z0-9.]"), re.compile(r"[A-Za-z0-9_.\\/>-]+")
"""What TensorFlow takes as names of scopes."""
MOST_ARRAYS = 2_000
"""Weights of a network that is built for its shapes alone; NASNetLarge has 1,546."""


@contextlib.contextmanager
def limited_weights(arrays: Sequence[Any], path: str | os.PathLike[str]) -> Iterator[None]:
    """Let the networks that are built in the block have no more weights than a file holds.

    The layer that would exceed them raises, before its weights are made.

    Args:
        arrays: those of the file.
        path: of the file, for the message.
    """
    with _limited(sum(array.size for array in arrays), len(arrays), path):
        yield


@contextlib.contextmanager
def shapes_alone() -> Iterator[None]:
    """Make no weight of the networks that are built in the block; none counts as a network's."""
    with keras.StatelessScope(initialize_variables=False), _limited(math.inf, MOST_ARRAYS, ""):
        yield


def only_used(cut: Callable[[], keras.Model]) -> keras.Model:
    """Return the part that ``cut`` takes of a larger network; of the rest no weight is made.

    Args:
        cut: builds the larger network and returns a functional one on some of its layers.
    """
    with shapes_alone():
        config = cut().get_config()
    return keras.Model.from_config(config)


def require_outputs(network: keras.Model) -> None:
    """Raise if a layer gives more numbers for an image than it may, or no scope takes its name."""
    names = [layer.name for layer in flat_layers(network)]
    if not FIRST.match(network.name) or not all(map(NAME.fullmatch, [network.name, *names])):
        raise SightkitError(
            "The names of a network and its layers must be letters, digits and _.-/>\\.",
            "Name them otherwise.",
            network=network.name,
        )
    for layer in flat_layers(network):
        for tensor in (each for node in layer._inbound_nodes for each in node.output_tensors):
            values = math.prod(side or 1 for side in tensor.shape[1:])
            if values > MOST_VALUES:
                raise SightkitError(
                    "A layer may give 2^28 numbers for an image.", layer=layer.name, values=values
                )


_add_weight = keras.Layer.add_weight


@contextlib.contextmanager
def _limited(parameters: float, arrays: int, path: str | os.PathLike[str]) -> Iterator[None]:
    left = {"parameters": parameters, "arrays": arrays}

    def counting(layer: keras.Layer, shape: Any = None, *args: Any, **kwargs: Any) -> Any:
        left["parameters"] -= math.prod(shape or ())
        left["arrays"] -= 1
        if min(left.values()) < 0:
            raise SightkitError(
                "A network may have no more weights than its file has.",
                "Save it again.",
                layer=layer.name,
                path=str(path),
            )
        return _add_weight(layer, shape, *args, **kwargs)

    with mock.patch.object(keras.Layer, "add_weight", counting):
        yield
