"""Building a network from its description in JSON, within limits."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import Any

import keras

from sightkit._errors import SightkitError
from sightkit._network import flat_layers
from sightkit.zoo.keras_config import checked_config

MOST_PARAMETERS = 2**29
MOST_VALUES = 2**28
"""Of a layer's output for one image: a gigabyte."""


def build_from_config(
    description: Mapping[str, Any], *, nested: bool = False, most: int = MOST_PARAMETERS
) -> keras.Model:
    """Build a network from its JSON, in float32, with weights as they are drawn.

    Args:
        description: see ``checked_config``.
        nested: whether networks may be layers, as in files that Keras wrote.
        most: parameters that it may have: as many as the file has whose weights it takes.

    Raises:
        SightkitError: what ``checked_config`` refuses, what Keras cannot build, or a network that
            is too large; no weight was made then.
    """
    checked = checked_config(description, nested=nested)
    with keras.StatelessScope(initialize_variables=False):  # shapes alone
        shapes = build_checked(checked)
        if not shapes.built:
            raise SightkitError(
                "The network must be built, so that its shapes are known.",
                "Let it begin with keras.Input(shape), and save it after training.",
                network=shapes.name,
            )
        _require_size(shapes, most)
    return build_checked(checked)


def build_checked(description: Mapping[str, Any]) -> Any:
    """Build an object of a description that was checked."""
    try:
        return keras.saving.deserialize_keras_object(copy.deepcopy(dict(description)))
    except Exception as error:
        text = " ".join(str(error).split("\n")[0].split())[:200]
        raise SightkitError(
            f"Keras cannot build what the description says: {text}.",
            "Save the network again with Keras 3.",
        ) from error


def _require_size(network: keras.Model, most: int) -> None:
    """Raise if a network has more parameters, or larger outputs, than it may."""
    parameters = network.count_params()
    if parameters > most:
        raise SightkitError(
            "A network may have no more parameters than its file has weights.",
            "Save it again.",
            parameters=parameters,
            most=most,
        )
    for layer in flat_layers(network):
        for tensor in (each for node in layer._inbound_nodes for each in node.output_tensors):
            values = math.prod(side or 1 for side in tensor.shape[1:])
            if values > MOST_VALUES:
                raise SightkitError(
                    "A layer may give 2^28 numbers for an image.", layer=layer.name, values=values
                )
