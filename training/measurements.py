"""Timings of training steps, cached by network, optimizer, batch, versions and processor."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from sightkit import _files, _schema
from sightkit._errors import SightkitError
from sightkit._network import flat_layers
from sightkit.training.environment import describe_environment
from sightkit.training.restore import restoring_network, restoring_random_state

SCHEMA = 2
MACHINE = ("backend", "versions", "device", "cores", "threads", "processor_flags")


def cached_seconds(
    network: keras.Model,
    name: str,
    measure: Callable[[], Mapping[Any, float] | None],
    *,
    required: Collection[str],
    folder: str | os.PathLike[str] | None,
) -> dict[str, float] | None:
    """Return the seconds that were measured under this name before, else measure and store them.

    Args:
        network: afterwards it is bit for bit as it was, and so are the random states.
        name: of the file; it holds a ``measurement_key``.
        measure: returns seconds by what was measured; None, which is not stored, where it failed.
        required: entries without which a stored file is damaged and measured anew.
        folder: of the cache; ``~/.cache/sightkit/plans`` where None.
    """
    path = Path(folder or _files.user_cache("plans")) / f"{name}.json"
    with contextlib.suppress(SightkitError):
        found = _schema.read(path, dict[str, float])
        if found.keys() >= set(required):
            return found
    with restoring_random_state(), restoring_network(network):
        found = measure()
    seconds = None if found is None else {str(key): value for key, value in found.items()}
    if seconds is not None:
        with contextlib.suppress(OSError):  # without a place to store it, it is measured again
            path.parent.mkdir(parents=True, exist_ok=True)
            _files.write_json(path, seconds)
    return seconds


def measurement_key(network: keras.Model, x: np.ndarray, *more: Any) -> str:
    """Return a name for what is measured: network, optimizer, batch, versions, processor and more.

    Layers count with their configurations, and with what of them is trained; not with their names,
    which Keras counts up, nor with their seeds and precision.
    """
    environment = describe_environment()
    trained = {id(variable) for variable in network.trainable_variables}
    parts = [
        SCHEMA,
        [layer_key(layer) for layer in flat_layers(network)],
        [[list(weight.shape), id(weight) in trained] for weight in network.weights],
        [list(output.shape) for output in getattr(network, "outputs", None) or ()],
        type(network.optimizer).__name__,
        [*x.shape, str(x.dtype)],
        [environment[name] for name in MACHINE],
        *more,
    ]
    return hashlib.sha256(json.dumps(parts, default=str, sort_keys=True).encode()).hexdigest()


def layer_key(layer: keras.layers.Layer) -> list[Any]:
    """Return what a layer is, as JSON, without its name, seed and precision."""
    config: Any = {}
    with contextlib.suppress(NotImplementedError):  # a layer of the user's own
        config = layer.get_config()
    return [type(layer).__name__, layer.trainable, without(config, ("name", "dtype", "seed"))]


def without(config: Any, names: Collection[str]) -> Any:
    """Return a configuration without these entries, at any depth."""
    if isinstance(config, dict):
        return {name: without(value, names) for name, value in config.items() if name not in names}
    if isinstance(config, list | tuple):
        return [without(value, names) for value in config]
    return config
