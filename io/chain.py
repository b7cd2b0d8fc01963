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


BORDERS = {"reflect": "reflect", "constant": "black"}
"""Keras' fill modes to ours, beside its default and ours, the nearest pixel."""
KERAS_ALONE = (
    "brightness_range",
    "channel_shift_range",
    "featurewise_center",
    "featurewise_std_normalization",
    "preprocessing_function",
    "rescale",
    "samplewise_center",
    "samplewise_std_normalization",
    "zca_whitening",
)


def require_chain(**chains: Any) -> None:
    """Raise unless each value is None or transforms batches, as a ``Pipeline`` does."""
    for name, chain in chains.items():
        wanted = ("batch",) if name == "augment" else ("batch", "to_config")
        if chain is not None and not all(hasattr(chain, each) for each in wanted):
            whole = "RandomPipeline" if name == "augment" else "Pipeline"
            raise SightkitError(
                f"{name} must be a preprocessor or a {whole} of them.",
                _augment_of(chain)
                if name == "augment"
                else f"Write {name}=preprocessing.Pipeline([…]).",
                **{name: chain},
            )


def _augment_of(given: Any) -> str:
    """Return what to write; for Keras' ImageDataGenerator with all that has a counterpart."""
    if not hasattr(given, "rotation_range"):
        return "Write augment=preprocessing.Augment(rotation=10, …)."
    height, width = (getattr(given, f"{side}_shift_range") for side in ("height", "width"))
    least, most = given.zoom_range
    own = {
        "rotation": given.rotation_range,
        "translation": width if width == height else (height, width),
        "shear": given.shear_range,
        "zoom": round(most - 1, 6),
        "horizontal_flip": given.horizontal_flip,
        "vertical_flip": given.vertical_flip,
        "border": BORDERS.get(given.fill_mode, ""),
    }
    written = [f"{name}={value!r}" for name, value in own.items() if value]
    others = [name for name in KERAS_ALONE if getattr(given, name, None)]
    others += ["zoom_range"] if round(most - 1, 6) != round(1 - least, 6) else []
    left = f" Without a counterpart: {', '.join(others)}." if others else ""
    return f"Write augment=preprocessing.Augment({', '.join(written)}).{left}"
