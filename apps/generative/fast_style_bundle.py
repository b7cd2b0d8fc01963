"""The bundle of a fast style network: photos in, paintings of the same size out."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from sightkit import zoo
from sightkit._errors import SightkitError
from sightkit.apps.generative import fast_style_entry  # noqa: F401 - lets the zoo build it
from sightkit.apps.generative.shares_bundle import SharesBundle
from sightkit.preprocessing import ColourPreprocessor
from sightkit.training.bundle import OfNetwork, network_builder
from sightkit.training.bundle_format import CANARY, WEIGHTS, Description, Kind
from sightkit.training.classifier import Photo, as_photos, decoded, load_by_kind

if TYPE_CHECKING:
    import keras

KIND = "fast_style"
CHANNELS = ("red", "green", "blue")
EDGE, STRIDE = 24, 4
"""Pixels that a photo is continued by at each edge, mirrored: the network sees no black there; and
what both sides are a multiple of."""
MOST_PIXELS = 16_000_000
"""Of a photo: the first maps take 64 bytes for each."""


class FastStyleDescription(OfNetwork, Description):
    """The bundle.json of a fast style network."""


@dataclass(frozen=True, repr=False)
class FastStyleBundle(SharesBundle):
    """Photos in, paintings out; made by ``load_fast_style``. Its network takes any size."""

    kind: ClassVar[str] = KIND

    @classmethod
    def of(cls, network: keras.Model) -> FastStyleBundle:
        """Return the bundle of a network in memory, which is copied; it is in no folder."""
        origin = zoo.origin(network)
        arguments = {**origin["arguments"], "input_shape": (None, None, 3)}
        copy = zoo.rebuild({**origin, "arguments": arguments})
        copy.set_weights(network.get_weights())
        return cls(copy)

    def __repr__(self) -> str:
        return f"<FastStyleBundle {self.network.count_params():,} parameters>"

    def predict(self, images: Photo | Sequence[Photo]) -> list[np.ndarray]:
        """Paint photos.

        Args:
            images: uint8 arrays (H, W, 3) in RGB order or (H, W, 1), or paths of image files; a
                single one is a list of one.

        Returns:
            uint8 (H, W, 3), RGB, of each photo's own size.

        Raises:
            SightkitError: an array of another kind, a file that is no image, or more than 16
                million pixels.
        """
        return [self._paint(ColourPreprocessor()(decoded(photo))) for photo in as_photos(images)]

    def _paint(self, photo: np.ndarray) -> np.ndarray:
        height, width = photo.shape[:2]
        if height * width > MOST_PIXELS:
            raise SightkitError(
                f"A photo of more than {MOST_PIXELS:,} pixels is not painted at once.",
                "Make it smaller.",
                shape=photo.shape,
            )
        edges = [(EDGE, EDGE + -side % STRIDE) for side in (height, width)]
        wide = np.pad(photo, [*edges, (0, 0)], mode="symmetric").astype(np.float32)
        painted = np.asarray(self.network.predict_on_batch(wide[np.newaxis]))[0]
        inside = painted[EDGE : EDGE + height, EDGE : EDGE + width]
        return np.rint(np.clip(inside, 0, 255)).astype(np.uint8)

    def shares(self, image: np.ndarray) -> np.ndarray:
        """Return the mean of each channel of a painting, float32 (3,), 1 for white."""
        (painted,) = self.predict([image])
        return np.maximum(painted.mean(axis=(0, 1)), 1).astype(np.float32) / 255

    def fields(self) -> dict[str, Any]:
        """Return the names of the channels."""
        return {"class_names": [*CHANNELS]}


def load_fast_style(folder: str | os.PathLike[str]) -> FastStyleBundle:
    """Load the fast style network of a bundle, and check that it paints as it did then.

    Raises:
        SightkitError: no bundle or one of another kind, a damaged file, or another painting of the
            canary picture.
    """
    return load_by_kind(folder, (KIND,))


def _open(folder: Path, description: Mapping[str, Any]) -> FastStyleBundle:
    return FastStyleBundle(network_builder(folder, description)(), description=description)


def _check(folder: Path, description: Mapping[str, Any]) -> None:
    zoo.check_origin(description["network"])


KINDS = {
    KIND: Kind(
        "a fast style network",
        "sightkit.apps.generative.load_fast_style, or use scripts/generative/fast_style.py",
        FastStyleDescription,
        lambda found: [WEIGHTS, CANARY],
        _check,
        _open,
    )
}
