"""Predictors whose compiled form is saved: a process that finds it needs no Keras."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np

from sightkit import __version__
from sightkit._errors import SightkitError, in_a_line
from sightkit._keras import start_keras
from sightkit._scripts import warn
from sightkit.inference.compiled_cache import CompiledCache
from sightkit.inference.engines import compile  # noqa: A004
from sightkit.inference.openvino_engine import OpenVinoEngine, UnavailableError, load_openvino
from sightkit.inference.predictor import Predictor

if TYPE_CHECKING:
    import keras

PACKAGES = ("keras", "tensorflow")
ONCE = "The network is compiled for this processor, which takes about ten seconds, once."


def load_or_compile(
    network: Mapping[str, Any],
    build: Callable[[], keras.Model],
    cache: str | os.PathLike[str] | None,
    *,
    images: int | None = None,
    batch_size: int = 256,
    examples: Callable[[], np.ndarray] | None = None,
    facts: Callable[[], Mapping[str, Any]] = dict,
) -> tuple[Predictor, dict[str, Any]]:
    """Make a predictor by the form in the cache, or by the network, whose form is then saved.

    With a cache OpenVINO answers wherever it is installed, however many images there are, and
    Keras is imported only where the form is missing, damaged or of other weights or versions.
    Without one, or without OpenVINO, it is ``compile``.

    Args:
        network: JSON that identifies the network: its builder with arguments, and a
            hash of its weights that was compared with them.
        build: builds it, in float32.
        cache: folder of compiled forms; None for none.
        images: how many are to be answered, see ``compile``.
        batch_size: images that go through the network at once.
        examples: preprocessed images that an engine is compared with Keras on.
        facts: JSON that is saved with the form.

    Returns:
        The predictor, and the facts.
    """
    if cache is None or not openvino_installed():
        start_keras()
        compared = examples() if examples is not None and images is not None else None
        model = build()
        made = compile(model, images=images, examples=compared, batch_size=batch_size, cache=cache)
        return made, dict(facts())
    place = CompiledCache(
        cache,
        network,
        openvino=load_openvino().__version__,
        precision="float32",
        sightkit=__version__,
        **{package: metadata.version(package) for package in PACKAGES},
    )
    form = place.read()
    if form is not None:
        try:
            return OpenVinoEngine("network", form, "float32", batch_size), place.facts
        except Exception as error:  # of a build that writes another form under the same version
            warn(f"{place.path} cannot be used ({in_a_line(error)}): it is made anew.")
            place.path.unlink(missing_ok=True)
    warn(ONCE, once=True)
    start_keras()
    model = build()
    place.facts = dict(facts())
    try:
        compared = None if examples is None else examples()
        made = compile(
            model, engine="openvino", examples=compared, batch_size=batch_size, cache=place
        )
    except SightkitError:
        warn(
            f"OpenVINO cannot convert {model.name}, or answers otherwise than Keras; Keras answers."
        )
        made = compile(model, batch_size=batch_size)
    return made, place.facts


def openvino_installed() -> bool:
    """Return whether OpenVINO can be used."""
    try:
        load_openvino()
    except UnavailableError:  # compile warns where an engine would pay
        return False
    return True
