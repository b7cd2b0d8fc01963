"""A hint at what the other precision would bring on this machine; it is never chosen."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import keras

from sightkit import zoo
from sightkit._errors import Interrupted, SightkitError
from sightkit._network import flat_layers, precision_of
from sightkit.training.measurements import cached_seconds, measurement_key
from sightkit.training.restore import set_steps_per_execution

SECONDS = 10.0
"""All measuring together takes no longer; a step that has begun is finished."""
ROUNDS = 6
NOTICEABLE = 1.1


def precision_hint(network: keras.Model, data: Any, *, cache: Path | None = None) -> str | None:
    """Measure some training steps in float32 and bfloat16, and return what the other would bring.

    Nothing is changed: weights, optimizer, seeds and random numbers are bit for bit what they were.
    What was measured is cached for the same network, batch, versions and processor.

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
    seconds = cached_seconds(
        network,
        f"precision-{measurement_key(network, batch[0])}",
        lambda: _measure(network, now, other, batch),
        required=zoo.POLICIES,
        folder=cache,
    )
    if seconds is None:
        return None
    times = seconds[now] / seconds[other]
    if times >= NOTICEABLE:
        return f"{other} is {times:.1f}× faster here: --precision={other}."
    if times <= 1 / NOTICEABLE:
        return f"{other} would be {1 / times:.1f}× slower here."
    return f"{other} would be no faster here."


def _measure(
    network: keras.Model, now: str, other: str, batch: tuple[Any, ...]
) -> dict[str, float] | None:
    """Return seconds of a step in both precisions; None where that fails."""
    try:
        twin = _twin(network, other)
        return twin and _time_steps({now: network, other: twin}, batch)
    except Interrupted:
        raise
    except Exception:  # no memory for the twin, a loss that Keras cannot write down: none is worth
        return None  # the training; what is the network's own fault shows in it


def _twin(network: keras.Model, precision: str) -> keras.Model | None:
    """Build network and optimizer in the other precision, the same layers frozen.

    Returns None where no builder of the zoo made the network.
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
    """Return the shortest step of each; they take turns."""
    begin = time.perf_counter()
    shortest = dict.fromkeys(networks, float("inf"))
    for network in networks.values():
        set_steps_per_execution(network, 1)
        network.train_on_batch(*batch)  # traces and compiles
    for _ in range(ROUNDS):
        for name, network in networks.items():
            start = time.perf_counter()
            network.train_on_batch(*batch)
            shortest[name] = min(shortest[name], time.perf_counter() - start)
        if time.perf_counter() - begin > SECONDS:
            break
    return shortest
