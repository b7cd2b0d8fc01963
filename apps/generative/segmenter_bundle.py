"""The bundle of a segmenter: photos in, the class of each pixel out, by network or by patches."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import cv2
import numpy as np
from annotated_types import Ge, Le, MaxLen, MinLen
from numpy.lib.stride_tricks import sliding_window_view

from sightkit import inference, zoo
from sightkit.apps.generative import segmenter_entry  # noqa: F401 - lets the zoo build it
from sightkit.apps.generative.segmentation_batches import padded
from sightkit.apps.generative.shares_bundle import SharesBundle
from sightkit.preprocessing import ColourPreprocessor, Preprocessor, SimplePreprocessor, from_config
from sightkit.training.bundle import OfNetwork, network_builder
from sightkit.training.bundle_format import (
    CANARY,
    WEIGHTS,
    Description,
    Kind,
    damaged,
)
from sightkit.training.classifier import Photo, as_photos, decoded, load_by_kind

if TYPE_CHECKING:
    pass

KIND = "segmenter"
PATCH_STRIDE = 4
"""Pixels between the patches that a classifier answers for."""
BATCH_SIZE, PATCHES = 4, 256
"""Photos, or patches, that go through the network at once."""
Side = Annotated[int, Ge(1), Le(10_000)]


class SegmenterDescription(OfNetwork, Description):
    """The bundle.json of a segmenter."""

    size: Annotated[list[Side], MinLen(2), MaxLen(2)]
    pixels: dict[str, Any]


@dataclass(frozen=True, repr=False)
class Segmenter(SharesBundle):
    """Photos in, labels out; made by ``load_segmenter``.

    A network that answers (N, H, W, classes) sees the photo, stretched to ``size``; one that
    answers (N, classes) sees a patch around every fourth pixel of each side of it.

    Attributes:
        network, description: see ``SharesBundle``.
        size: height and width that photos are stretched to.
        pixels: what the network needs of uint8 pictures of that size, or of patches.
        class_names: in the order of labels.
    """

    kind: ClassVar[str] = KIND

    size: tuple[int, int]
    pixels: Preprocessor
    class_names: tuple[str, ...]

    def __repr__(self) -> str:
        return f"<Segmenter {self.network.name} {self.size}, {len(self.class_names)} classes>"

    def predict(self, images: Photo | Sequence[Photo]) -> list[np.ndarray]:
        """Segment photos.

        Args:
            images: uint8 arrays (H, W, 3) in RGB order or (H, W, 1), or paths of image files; a
                single one is a list of one.

        Returns:
            Labels, places in ``class_names``, uint8 (H, W), of each photo's own size.

        Raises:
            SightkitError: an array of another kind, or a file that is no image; it is named.
        """
        labels = []
        for image in map(decoded, as_photos(images)):
            size = (image.shape[1], image.shape[0])
            answer = cv2.resize(self.probabilities(image), size, interpolation=cv2.INTER_LINEAR)
            labels.append(answer.reshape(*image.shape[:2], -1).argmax(axis=2).astype(np.uint8))
        return labels

    def probabilities(self, image: np.ndarray) -> np.ndarray:
        """Return float32 (h, w, classes) of a photo, as coarse as the network gives them."""
        height, width = self.size
        picture = SimplePreprocessor(width, height)(ColourPreprocessor()(image))
        if len(self.network.output_shape) == 4:
            return self._predictor(self.pixels.batch(picture[None]))[0]
        side = int(self.network.input_shape[1])
        views = sliding_window_view(padded(picture, side), (side, side), axis=(0, 1))
        rows = views.transpose(0, 1, 3, 4, 2)[::PATCH_STRIDE, ::PATCH_STRIDE]
        return np.stack([self._predictor(self.pixels.batch(row)) for row in rows])

    @functools.cached_property
    def _predictor(self) -> inference.Predictor:
        dense = len(self.network.output_shape) == 4
        return inference.compile(self.network, batch_size=BATCH_SIZE if dense else PATCHES)

    def shares(self, image: np.ndarray) -> np.ndarray:
        """Return the mean probability of each class over a photo, float32 (classes,)."""
        return self.probabilities(image).mean(axis=(0, 1))

    def fields(self) -> dict[str, Any]:
        """Return classes, size and what the network needs of pixels."""
        return {
            "class_names": [*self.class_names],
            "size": [*self.size],
            "pixels": self.pixels.to_config(),
        }


def load_segmenter(folder: str | os.PathLike[str]) -> Segmenter:
    """Load the segmenter that a bundle describes, and check that it answers as it did then.

    Raises:
        SightkitError: no bundle or one of another kind, a damaged file, or another answer to the
            canary picture.
    """
    return load_by_kind(folder, (KIND,))


def _open(folder: Path, description: Mapping[str, Any]) -> Segmenter:
    network = network_builder(folder, description)()
    names, (height, width) = tuple(description["class_names"]), description["size"]
    shape = network.output_shape
    if shape[-1] != len(names) or len(shape) not in (2, 4):
        raise damaged(folder, "its classes are not those of its network")
    if len(shape) == 4 and tuple(network.input_shape[1:3]) != (height, width):
        raise damaged(folder, "its size is not that of its network's input")
    pixels = from_config(description["pixels"])
    return Segmenter(network, (height, width), pixels, names, description=description)


def _check(folder: Path, description: Mapping[str, Any]) -> None:
    zoo.check_origin(description["network"])
    from_config(description["pixels"])


KINDS = {
    KIND: Kind(
        "a segmenter",
        "sightkit.apps.generative.load_segmenter, or use scripts/generative/segment.py",
        SegmenterDescription,
        lambda found: [WEIGHTS, CANARY],
        _check,
        _open,
    )
}
