"""The form of the preprocessing chains that ``io`` is given; it imports none of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from sightkit._errors import SightkitError


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


def require_chain(**chains: Any) -> None:
    """Raise unless each value is None or transforms batches, as a ``Pipeline`` does."""
    for name, chain in chains.items():
        wanted = ("batch",) if name == "augment" else ("batch", "to_config")
        if chain is not None and not all(hasattr(chain, each) for each in wanted):
            whole = "RandomPipeline" if name == "augment" else "Pipeline"
            raise SightkitError(
                f"{name} must be a preprocessor or a {whole} of them.",
                "Write augment=preprocessing.Augment(rotation=10, …)."
                if name == "augment"
                else f"Write {name}=preprocessing.Pipeline([…]).",
                **{name: chain},
            )
