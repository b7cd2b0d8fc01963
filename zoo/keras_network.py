"""Building a network from its description in JSON, within limits."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import keras

from sightkit._errors import SightkitError, in_a_line
from sightkit.zoo.budget import require_outputs
from sightkit.zoo.keras_config import checked_config


def build_from_config(description: Mapping[str, Any], *, nested: bool = False) -> keras.Model:
    """Build a network from its JSON, in float32, with weights as they are drawn.

    Args:
        description: see ``checked_config``; of a file, in a block of ``limited_weights``.
        nested: whether networks may be layers, as in files that Keras wrote.

    Raises:
        SightkitError: what ``checked_config`` refuses, what Keras cannot build, or a network that
            is too large.
    """
    network = build_checked(checked_config(description, nested=nested))
    if not network.built:
        raise SightkitError(
            "The network must be built, so that its shapes are known.",
            "Let it begin with keras.Input(shape), and save it after training.",
            network=network.name,
        )
    require_outputs(network)
    return network


def build_checked(description: Mapping[str, Any]) -> Any:
    """Build an object of a description that was checked."""
    try:
        return keras.saving.deserialize_keras_object(copy.deepcopy(dict(description)))
    except SightkitError:
        raise
    except Exception as error:
        raise SightkitError(
            f"Keras cannot build what the description says: {in_a_line(error)}.",
            "Save the network again with Keras 3.",
        ) from error
