"""What the bundles of one network share whose canary is known by a number for each class."""

from __future__ import annotations

import abc
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from sightkit import io
from sightkit.training.bundle_format import CANARY, write_bundle
from sightkit.training.classifier import require_canary

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, repr=False)
class SharesBundle(abc.ABC):
    """Base of bundles with one network, made by a builder, and with a canary picture.

    Attributes:
        network: a plain Keras model in float32.
        description: all of bundle.json; empty where the network is in no folder.
    """

    kind: ClassVar[str]

    network: keras.Model
    description: Mapping[str, Any] = field(default_factory=dict, kw_only=True)

    @abc.abstractmethod
    def shares(self, image: np.ndarray) -> np.ndarray:
        """Return a number of 0 to 1 for each class: uint8 (H, W, 3) to float32 (classes,)."""

    @abc.abstractmethod
    def fields(self) -> dict[str, Any]:
        """Return what bundle.json says of this kind alone, ``class_names`` included."""

    def check_canary(self, folder: Path) -> None:
        """Compare the shares of the canary picture with the stored ones.

        Raises:
            SightkitError: one has changed.
        """
        found = self.shares(io.read_image(folder / CANARY))
        require_canary(found, self.description["canary"], folder)

    def save(
        self,
        folder: str | os.PathLike[str],
        canary: np.ndarray,
        *,
        metrics: Mapping[str, Any] | None = None,
        training: Mapping[str, Any] | None = None,
    ) -> Path:
        """Write the bundle; an existing folder is replaced once the new one is complete.

        Args:
            folder: of the bundle.
            canary: photo, uint8 (H, W, 3), whose shares are stored, and compared on loading.
            metrics: of the evaluation, JSON.
            training: facts of the training, JSON.

        Returns:
            The folder.
        """
        from sightkit.training.bundle_writer import write_network

        def write(place: Path) -> dict[str, Any]:
            return {
                **write_network(place, self.network, canary),
                **self.fields(),
                "training": dict(training or {}),
                "metrics": dict(metrics or {}),
                "canary": self.shares(canary).tolist(),
            }

        return write_bundle(folder, self.kind, write)
