"""The form of the preprocessing chains that ``io`` is given; it imports none of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np


class Chain(Protocol):
    """A preprocessing chain: ``preprocessing.Pipeline`` is one."""

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """One image to another."""
        ...

    def batch(self, images: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
        """(N, H, W, C), or N images of several sizes, to (N, H', W', C')."""
        ...

    def to_config(self) -> dict[str, Any]:
        """The chain as JSON."""
        ...


class RandomChain(Protocol):
    """An augmentation: ``preprocessing.RandomPipeline`` is one."""

    def batch(self, images: np.ndarray, rngs: Sequence[np.random.Generator]) -> np.ndarray:
        """uint8 (N, H, W, C) to (N, H', W', C'), with a source of randomness an image."""
        ...
