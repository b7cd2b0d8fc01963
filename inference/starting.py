"""Choosing an engine, and holding its answers against Keras' before it is trusted."""

from __future__ import annotations

import os
from typing import Protocol

import numpy as np

from sightkit.inference.agreement import distrust_bfloat16, distrust_float32
from sightkit.inference.compiled_cache import CompiledCache
from sightkit.inference.folding import fold
from sightkit.inference.keras_engine import KerasEngine
from sightkit.inference.openvino_engine import OpenVinoEngine, UnavailableError, load_openvino
from sightkit.inference.telling import short, tell

COMPARED = 8
"""Images that a float32 engine is held against Keras with."""

UNJUDGED = (
    "bfloat16 is judged on real images first, and there are none: give "
    'real_images=("what they are", preprocessed images).'
)


class Engine(Protocol):
    """(N, H, W, C) to float32 (N, K)."""

    name: str

    @property
    def at_once(self) -> int:
        """Images that it is checked on at least: what all its ways of computing need."""
        ...

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """N is at least 1."""
        ...


def start(
    by_keras: KerasEngine,
    images: np.ndarray,
    *,
    precision: str,
    cache: str | os.PathLike[str] | None,
    real_images: tuple[str, np.ndarray] | None,
) -> Engine:
    """The fastest engine that says what Keras says; Keras itself where none does.

    OpenVINO comes first and the folded network second, where OpenVINO cannot be had or cannot
    convert the network. An engine that answers otherwise than Keras is a reason for Keras, not for
    another try. Each step down is told in one line on stderr.

    Args:
        by_keras: the network.
        images: (N, H, W, C), preprocessed: some of what is to be predicted.
        precision: ``"float32"`` or ``"bfloat16"``.
        cache: folder for OpenVINO's compiled form.
        real_images: name and images that a bfloat16 engine is judged on.
    """
    network = by_keras.network
    if precision != "float32" and real_images is None:  # before seconds are spent on an engine
        tell(f"{network.name}: {UNJUDGED} Keras itself answers, in float32.")
        return by_keras
    for make, failure, instead in ENGINES:
        try:
            engine = make(by_keras, precision, cache)
            reason = _distrust(engine, by_keras, images, precision, real_images)
        except UnavailableError as error:
            tell(f"{error}: networks are folded in its place.", once=True)
        except Exception as error:
            tell(f"{network.name}: {failure} ({short(error)}). {instead}.")
        else:
            if reason is None:
                return engine
            tell(f"{network.name}: {engine.name} is not used: {reason}. Keras itself answers.")
            return by_keras
    return by_keras


def _openvino(
    by_keras: KerasEngine, precision: str, cache: str | os.PathLike[str] | None
) -> Engine:
    version = load_openvino().__version__
    network = by_keras.network
    place = CompiledCache(cache, network, openvino=version, precision=precision) if cache else None
    return OpenVinoEngine(network, precision, by_keras.batch_size, place)


def _folded(by_keras: KerasEngine, precision: str, cache: str | os.PathLike[str] | None) -> Engine:
    return KerasEngine(fold(by_keras.network, precision), by_keras.batch_size, "folded")


def _distrust(
    engine: Engine,
    by_keras: KerasEngine,
    images: np.ndarray,
    precision: str,
    real_images: tuple[str, np.ndarray] | None,
) -> str | None:
    """Why an engine is not to be trusted; ``None`` if it is."""
    if precision == "float32":
        chosen = images[np.linspace(0, len(images) - 1, min(COMPARED, len(images))).astype(int)]
        reference = by_keras(chosen)
        few = distrust_float32(engine(chosen), reference)
        if few is not None or engine.at_once <= len(chosen):
            return few
        # Whole parts are computed by a network of their own: the same images, over and over.
        many, said = (
            np.resize(rows, (engine.at_once, *rows.shape[1:])) for rows in (chosen, reference)
        )
        return distrust_float32(engine(many), said)
    if real_images is None:
        return UNJUDGED
    name, chosen = real_images
    return distrust_bfloat16(engine(chosen), by_keras(chosen), name)


ENGINES = (
    (_openvino, "OpenVINO cannot convert it", "The folded network answers"),
    (_folded, "it cannot be folded", "Keras itself answers"),
)
"""In the order in which they are tried; what is told of one that fails."""
