"""What a network was built from, as JSON: a builder's name and arguments, or its description.

Nothing here imports Keras but ``rebuild``: a bundle is checked before Keras starts.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sightkit.zoo.keras_config import checked_config
from sightkit.zoo.registry import build, entry, remember

if TYPE_CHECKING:
    import keras

DESCRIPTION = "keras"
"""Key of an origin: the network's description in JSON, where no builder made it."""


def rebuild(origin: Mapping[str, Any], *, most: int | None = None) -> keras.Model:
    """Build a network again from its ``origin``, in float32, with weights as they are drawn.

    Args:
        origin: see ``zoo.origin``.
        most: parameters that a network of no builder may have; 2^29 by default.

    Raises:
        SightkitError: see ``build`` and ``build_from_config``.
    """
    if DESCRIPTION not in origin:
        return build(origin["builder"], precision="float32", **origin["arguments"])
    from sightkit.zoo.keras_network import MOST_PARAMETERS, build_from_config

    model = build_from_config(origin[DESCRIPTION], most=MOST_PARAMETERS if most is None else most)
    remember(model, origin)
    return model


def check_origin(origin: Any) -> bool:
    """Return whether an origin is of the right form; nothing is built.

    Raises:
        SightkitError: an unknown builder, or a description that ``checked_config`` refuses.
    """
    if not isinstance(origin, dict):
        return False
    if set(origin) == {DESCRIPTION}:
        checked_config(origin[DESCRIPTION])
        return True
    if set(origin) != {"builder", "arguments"} or not isinstance(origin["arguments"], dict):
        return False
    entry(origin["builder"])
    return "precision" not in origin["arguments"]  # of build, not of a builder


def short_origin(origin: Mapping[str, Any]) -> dict[str, Any]:
    """Return an origin of a few hundred bytes: the hash of a description in its place."""
    described = origin.get(DESCRIPTION)
    if not isinstance(described, Mapping):
        return dict(origin)
    text = json.dumps(described, sort_keys=True)
    return {DESCRIPTION: hashlib.sha256(text.encode()).hexdigest()}


def name_of(origin: Mapping[str, Any]) -> str:
    """Return what a network is called: its builder, or the name that its author gave it."""
    described = origin.get(DESCRIPTION)
    return origin["builder"] if described is None else str(described["config"].get("name"))
