"""What a network was built from, as JSON: a builder's name and arguments, or its description.

Nothing here imports Keras but ``rebuild``: a bundle is checked before Keras starts.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from typing_extensions import TypedDict

from sightkit._errors import SightkitError
from sightkit._schema import Name, Sha256
from sightkit.zoo.keras_config import checked_config
from sightkit.zoo.registry import build, entry, remember

if TYPE_CHECKING:
    import keras

DESCRIPTION = "keras"
"""Key of an origin: the network's description in JSON, where no builder made it."""


class Built(TypedDict):
    """A network of a builder."""

    builder: Name
    arguments: dict[str, Any]


class Described(TypedDict):
    """A network of no builder."""

    keras: dict[str, Any]


class Hashed(TypedDict):
    """A network of no builder, by the hash of its description."""

    keras: Sha256


Origin = Built | Described
ShortOrigin = Built | Hashed


def rebuild(origin: Mapping[str, Any]) -> keras.Model:
    """Build a network again from its ``origin``, in float32, with weights as they are drawn.

    Args:
        origin: see ``zoo.origin``.

    Raises:
        SightkitError: see ``build`` and ``build_from_config``; or what Keras cannot build.
    """
    from sightkit.zoo.budget import require_outputs
    from sightkit.zoo.keras_network import build_from_config

    if DESCRIPTION in origin:
        model = build_from_config(origin[DESCRIPTION])
        remember(model, origin)
        return model
    try:
        model = build(origin["builder"], precision="float32", **origin["arguments"])
    except SightkitError:
        raise
    except Exception as error:  # of arguments that nobody typed
        raise SightkitError(
            f"The builder's arguments must make a network ({type(error).__name__}).",
            "The description may be damaged.",
            **origin,
        ) from error
    require_outputs(model)
    return model


def check_origin(origin: Mapping[str, Any]) -> None:
    """Check the names in an ``Origin``; nothing is built.

    Raises:
        SightkitError: an unknown builder, or a description that ``checked_config`` refuses.
    """
    if DESCRIPTION in origin:
        checked_config(origin[DESCRIPTION])
    else:
        entry(origin["builder"])


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
