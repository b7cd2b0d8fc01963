"""Memory and time of a training, before it starts."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sightkit._errors import SightkitError

SLOTS = {"sgd": 1, "rmsprop": 1, "adagrad": 1, "adadelta": 2}
"""Arrays of the size of the weights that an optimizer has; others have two."""
PROGRAM = 2**30
"""Bytes of Python, Keras and the batches that are read ahead."""
BYTES = 4
"""Of a number: weights are float32, and most outputs in bfloat16 are kept in float32 too."""
STEPS = 3
"""Training steps that are timed, after one that compiles."""


@dataclass(frozen=True)
class MemoryNeed:
    """The memory that a training takes.

    Attributes:
        weights: number of them.
        outputs: numbers that all layers give for one image.
        batch_size: images a step.
        slots: arrays of the size of the weights that the optimizer has.
    """

    weights: int
    outputs: int
    batch_size: int
    slots: int = 1

    @property
    def bytes(self) -> int:
        """Weights, gradients and slots, a copy of all when they are saved; outputs, gradients."""
        stored = (2 + self.slots) * 2 * self.weights
        return PROGRAM + BYTES * (stored + 2 * self.outputs * self.batch_size)

    def __str__(self) -> str:
        """The need in words."""
        return f"{self.weights:,} weights, {_gib(self.bytes)}"


def memory_need(build: Callable[[], Any], batch_size: int, optimizer: str) -> MemoryNeed:
    """Return the memory that a training takes; of the network no weight is made.

    Args:
        build: returns the network.
        batch_size: images a step.
        optimizer: its name.
    """
    import keras

    from sightkit._network import flat_layers

    with keras.StatelessScope(initialize_variables=False):
        network = build()
        weights = network.count_params()
        tensors = [
            tensor
            for layer in flat_layers(network)
            for node in layer._inbound_nodes
            for tensor in node.output_tensors
        ]
    numbers = sum(math.prod(side or 1 for side in tensor.shape[1:]) for tensor in tensors)
    return MemoryNeed(weights, numbers, batch_size, SLOTS.get(optimizer, 2))


def require_memory(
    need_at: Callable[[tuple[int, int]], MemoryNeed],
    size: tuple[int, int],
    smallest: int,
    available: int,
) -> MemoryNeed:
    """Return what a training needs; raise, with what would fit, where that is not available.

    Args:
        need_at: the need by (height, width) of the images.
        size: of the images.
        smallest: side of images below which none is proposed.
        available: bytes.

    Raises:
        SightkitError: the network does not fit.
    """
    need = need_at(size)
    if need.bytes <= available:
        return need
    steps: list[str] = []
    batch = need.batch_size
    while batch > 1 and not steps:
        batch //= 2
        if dataclasses.replace(need, batch_size=batch).bytes <= available:
            steps.append(f"--batch-size {batch}")
    side = max(size) // 2
    while side >= smallest:
        if need_at((side, side)).bytes <= available:
            steps.append(f"--size {side}")
            break
        side //= 2
    way = f"Give {' or '.join(steps)}" if steps else "Close other programs"
    raise SightkitError(
        f"The training must fit into memory: it takes {_gib(need.bytes)}, and "
        f"{_gib(available)} are available.",
        f"{way}, or name a smaller --network.",
        weights=f"{need.weights:,}",
        size=f"{size[0]}x{size[1]}",
        batch_size=need.batch_size,
    )


def seconds_of(network: Any, train: Any, validation_images: int, epochs: int) -> float:
    """Return the seconds that a training takes, by a few of its steps; nothing is changed.

    Args:
        network: compiled.
        train: batches by index; of its first ones.
        validation_images: that are evaluated each epoch, at a third of a step's time.
        epochs: passes over the training images.
    """
    from sightkit.training.restore import restoring_network, restoring_random_state

    train.set_epoch(0)
    with restoring_random_state(), restoring_network(network):
        batch = train[0]
        start = time.perf_counter()
        network.train_on_batch(*batch)  # traces and compiles
        compiling = time.perf_counter() - start
        reading = stepping = math.inf
        for index in range(STEPS):
            start = time.perf_counter()
            batch = train[min(index + 1, len(train) - 1)]
            read = time.perf_counter()
            network.train_on_batch(*batch)
            reading = min(reading, read - start)
            stepping = min(stepping, time.perf_counter() - read)
    validating = validation_images / max(1, len(batch[0])) * stepping / 3
    return compiling + epochs * (len(train) * max(reading, stepping) + validating)


def in_words(seconds: float) -> str:
    """Return a duration in words: 40 s, 12 min, 3.5 h."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _gib(count: float) -> str:
    return f"{count / 2**30:.1f} GiB"
