"""What the other arithmetic would bring on this machine: said, never chosen."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Any

import keras

from sightkit import _files, zoo
from sightkit._errors import Interrupted, SightkitError
from sightkit._network import flat_layers, precision_of
from sightkit.training.execution_plan import default_cache, measurement_key
from sightkit.training.restore import network_kept, random_numbers_kept

SECONDS = 10.0
"""All measuring together takes no longer; a step that has begun is finished."""
ROUNDS = 6
WORTH_SAYING = 1.1


def precision_hint(network: keras.Model, data: Any, *, cache: Path | None = None) -> str | None:
    """Measure a few training steps in float32 and in bfloat16, and say what the other would bring.

    Nothing is changed: weights, optimizer, seeds and random numbers are bit for bit what they were.
    What was measured is kept for the same network, batch, versions and processor.

    Args:
        network: compiled, built by the zoo: a twin of it is built in the other precision.
        data: training batches by index; the first is used.
        cache: folder of what was measured before; that of ``plan_execution`` by default.

    Returns:
        One line; None where no twin can be built, or where measuring fails.
    """
    now = precision_of(network)
    if now not in zoo.POLICIES:
        return None
    other = next(name for name in zoo.POLICIES if name != now)
    batch = data[0]
    path = (cache or default_cache()) / f"precision-{measurement_key(network, batch[0])}.json"
    seconds = _kept(path)
    if seconds is None:
        seconds = _measured(network, now, other, batch)
        if seconds is None:
            return None
        with contextlib.suppress(OSError):  # without a place to keep it, it is measured again
            path.parent.mkdir(parents=True, exist_ok=True)
            _files.write_json(path, seconds)
    return _said(other, seconds[now] / seconds[other])


def _said(other: str, times: float) -> str:
    if times >= WORTH_SAYING:
        return f"{other} is {times:.1f}× faster here: --precision {other}."
    if times <= 1 / WORTH_SAYING:
        return f"{other} would be {1 / times:.1f}× slower here."
    return f"{other} would be no faster here."


def _kept(path: Path) -> dict[str, float] | None:
    with contextlib.suppress(SightkitError, OSError, TypeError, ValueError, LookupError):
        if path.is_file():
            found = _files.read_json(path)
            return {name: float(found[name]) for name in zoo.POLICIES}
    return None


def _measured(
    network: keras.Model, now: str, other: str, batch: tuple[Any, ...]
) -> dict[str, float] | None:
    """Seconds of a step in both precisions; None where that fails."""
    try:
        with random_numbers_kept(), network_kept(network):
            twin = _twin(network, other)
            return twin and _time_steps({now: network, other: twin}, batch)
    except Interrupted:
        raise
    except Exception:  # no memory for the twin, a loss that Keras cannot write down: none is worth
        return None  # the training; what is the network's own fault shows in it


def _twin(network: keras.Model, precision: str) -> keras.Model | None:
    """The same network and optimizer in the other precision, as much of it frozen.

    None if it is no zoo network.
    """
    try:
        origin = zoo.origin(network)
    except SightkitError:
        return None
    twin = zoo.build(origin["builder"], precision=precision, **origin["arguments"])
    twin.trainable = network.trainable  # a model hands it on to its layers, so it comes first
    for layer, counterpart in zip(flat_layers(network), flat_layers(twin), strict=True):
        counterpart.trainable = layer.trainable
    twin.compile_from_config(network.get_compile_config())
    twin.jit_compile = network.jit_compile
    return twin


def _time_steps(networks: dict[str, keras.Model], batch: tuple[Any, ...]) -> dict[str, float]:
    """The shortest step of each; they take turns."""
    begun = time.perf_counter()
    per_execution = {name: network.steps_per_execution for name, network in networks.items()}
    shortest = dict.fromkeys(networks, float("inf"))
    try:
        for network in networks.values():
            _run_steps(network, 1)
            network.train_on_batch(*batch)  # traces and compiles
        for _ in range(ROUNDS):
            for name, network in networks.items():
                start = time.perf_counter()
                network.train_on_batch(*batch)
                shortest[name] = min(shortest[name], time.perf_counter() - start)
            if time.perf_counter() - begun > SECONDS:
                break
    finally:
        for name, network in networks.items():
            _run_steps(network, per_execution[name])
    return shortest


def _run_steps(network: keras.Model, count: int) -> None:
    """So many of them an execution; functions that were traced with another number are dropped."""
    network.steps_per_execution = count
    network.train_function = None
