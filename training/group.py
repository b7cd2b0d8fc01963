"""The processes of a training: what each can ask the others; one alone by default."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import keras

STOP, SAVE = 2, 1
"""What a process can ask the others for after a step."""


class Group:
    """The processes of a training; this class is the one alone, which has nobody to ask.

    Attributes:
        size: number of processes.
        rank: which of them this is, from 0.
        averages: whether each has metrics and batch statistics of its own, to be brought together.
    """

    size, rank = 1, 0
    averages = False

    @property
    def is_first(self) -> bool:
        """Whether this process writes the run folder."""
        return self.rank == 0

    def sum(self, array: np.ndarray) -> np.ndarray:
        """Return the sum of an array of all processes, float32, float64, int32 or int64."""
        return array

    def gather(self, array: np.ndarray) -> np.ndarray:
        """Return the arrays of all processes, bit by bit, (size, …)."""
        data = array.tobytes()
        rows = np.zeros((self.size, -(-len(data) // 4)), np.int32)
        rows[self.rank] = np.frombuffer(data.ljust(4 * rows.shape[1], b"\0"), np.int32)
        found = [row.tobytes()[: len(data)] for row in self.sum(rows)]
        return np.stack([np.frombuffer(row, array.dtype).reshape(array.shape) for row in found])

    def send(self, data: bytes) -> bytes:
        """Return the bytes that the first process gives."""
        length = int(self.sum(np.array([len(data) * self.is_first]))[0])
        words = np.zeros(-(-length // 4), np.int32)
        if self.is_first:
            words = np.frombuffer(data.ljust(4 * len(words), b"\0"), np.int32)
        return self.sum(words).tobytes()[:length]

    def describe(self, facts: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the facts, JSON, of each process."""
        data = json.dumps(facts).encode()
        longest = int(self.gather(np.array([len(data)])).max())
        rows = self.gather(np.frombuffer(data.ljust(longest), np.uint8))
        return [json.loads(row.tobytes()) for row in rows]

    @contextlib.contextmanager
    def first_before_others(self) -> Iterator[None]:
        """Let the first process pass the block before the others: it builds what all read."""
        if not self.is_first:
            self.sum(np.zeros(1))
        yield
        if self.is_first:
            self.sum(np.zeros(1))

    @contextlib.contextmanager
    def averaging(self, model: keras.Model) -> Iterator[None]:
        """Let the optimizer of a network apply the mean of all processes' gradients."""
        yield

    def before_step(self, request: int, weight: float = 1.0) -> None:
        """Prepare a step.

        Args:
            request: ``STOP``, ``SAVE`` or both, of all.
            weight: of this process's gradients: its share of the batch, times the number of shares.
        """

    def requested(self, request: int) -> int:
        """Return what any process requested with the last step; ``request`` of one alone.

        It is ``STOP`` or more where one requested to stop.
        """
        return request


ALONE = Group()
