"""A preprocessing chain in two parts: the one that makes the picture, the one that makes numbers.

An attack is measured in grey levels of the picture that the network sees, whatever range its
numbers have: [-1, 1], [0, 1], or about ±128 in the order BGR.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sightkit._errors import SightkitError
from sightkit.preprocessing import Pipeline, Preprocessor, flat_steps
from sightkit.training import Bundle
from sightkit.training.classifier import Classifier, Photo, decoded
from sightkit.transfer import FeatureClassifier

TOLERANCE = 1e-4
"""Share of the range of the numbers that a straight line may miss them by: float32 rounds."""
BORDER = 0.5
"""Of a frame, at most, as a share of the picture's side."""


@dataclass(frozen=True)
class PixelChain:
    """Photo to picture, uint8 (H, W, C) at the network's size; picture to the network's numbers.

    Attributes:
        geometry: crops, resizes, colour: uint8 to uint8.
        numbers: uint8 to float32; a straight line for each pixel, measured by the chain itself.

    Example:
        chain = PixelChain.of(bundle)
        picture = chain.pictures(["photo.jpg"])[0]
    """

    geometry: Pipeline
    numbers: Pipeline

    @classmethod
    def of(cls, classifier: Classifier | Preprocessor) -> PixelChain:
        """Divide a classifier's chain, or a chain, where its images stop being uint8.

        Raises:
            SightkitError: several networks, or several views of a photo.
        """
        steps = list(flat_steps(_chain_of(classifier)))
        if any(step.crops for step in steps):
            raise SightkitError(
                "A photo must become one picture, and this chain makes several views of it.",
                "Take a bundle that was saved without crops.",
                steps=[type(step).__name__ for step in steps],
            )
        image, geometric = np.zeros((300, 400, 3), np.uint8), 0
        for index, step in enumerate(steps, start=1):
            image = step(image)
            if image.dtype == np.uint8:
                geometric = index
        return cls(Pipeline(steps[:geometric]), Pipeline(steps[geometric:]))

    def pictures(self, photos: Sequence[Photo]) -> np.ndarray:
        """Return photos as the network sees them, uint8 (N, H, W, C), RGB or grey.

        Args:
            photos: uint8 (H, W, 3) in RGB order or (H, W, 1), or paths of image files.
        """
        return self.geometry.batch([decoded(photo) for photo in photos])

    def inputs(self, pictures: np.ndarray) -> np.ndarray:
        """Return the numbers of pictures, uint8 (N, H, W, C) to float32 (N, H, W, C')."""
        return self.numbers.batch(pictures)

    def start(self, shape: tuple[int, ...]) -> np.ndarray:
        """Return the numbers of a black picture (H, W, C)."""
        return self.numbers(np.zeros(shape, np.uint8)).astype(np.float32)

    def limits(self, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Return the lowest and the highest numbers, float32 (H, W, C') each."""
        ends = self.start(shape), self.numbers(np.full(shape, 255, np.uint8))
        return np.minimum(*ends), np.maximum(*ends)

    def picture_of(self, numbers: np.ndarray) -> np.ndarray:
        """Return the picture, uint8 (H, W, C), whose numbers (H, W, C') come nearest."""
        shape = numbers.shape
        slope = self.slope(np.zeros((1, *shape), np.uint8))
        pixels = (numbers - self.start(shape)) @ np.linalg.inv(slope)
        return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)

    def slope(self, pictures: np.ndarray) -> np.ndarray:
        """Return by how much each number grows with each channel of its pixel.

        Args:
            pictures: uint8 (N, H, W, C), on which the line is verified.

        Returns:
            float32 (C, C'): of channel c of a pixel on number k of the same pixel.

        Raises:
            SightkitError: numbers that are no straight line of their own pixel, the same for all
                pixels up to a start of each.
        """
        shape = pictures.shape[1:]
        start = self.start(shape)
        if start.shape[:2] != shape[:2]:
            raise self._bent(pictures, f"sizes {shape[:2]} and {start.shape[:2]}")
        slopes = np.empty((shape[2], start.shape[2]), np.float32)
        for channel in range(shape[2]):
            image = np.zeros(shape, np.uint8)
            image[..., channel] = 255
            slopes[channel] = (self.numbers(image) - start).mean(axis=(0, 1)) / 255
        found = self.inputs(pictures)
        line = start + pictures.astype(np.float32) @ slopes
        missed = float(np.abs(found - line).max() / max(np.ptp(found), 1e-12))
        if not missed <= TOLERANCE:
            raise self._bent(pictures, f"{missed:.2g} of the range")
        return slopes

    def framed(self, picture: np.ndarray) -> np.ndarray:
        """Return a photo that the chain makes this very picture of.

        A chain that crops the middle gets the picture in a mirrored border; where no border helps,
        the picture itself is returned.

        Args:
            picture: uint8 (H, W, C), of ``pictures``.
        """
        height, width = picture.shape[:2]
        for border in range(int(BORDER * min(height, width)) + 1):
            wide = round(border * width / height)
            framed = np.pad(picture, ((border, border), (wide, wide), (0, 0)), "reflect")
            if np.array_equal(self.geometry(framed), picture):
                return framed
        return picture

    def _bent(self, pictures: np.ndarray, missed: str) -> SightkitError:
        names = [type(step).__name__ for step in self.numbers.steps]
        return SightkitError(
            "An attack in grey levels needs numbers that are a straight line of their own pixel.",
            "Take a network whose chain resizes before it scales, and then scales alone.",
            steps=names,
            missed=missed,
            shape=pictures.shape[1:],
        )


def _chain_of(classifier: Classifier | Preprocessor) -> Preprocessor:
    if isinstance(classifier, Preprocessor):
        return classifier
    if isinstance(classifier, Bundle):
        return classifier.preprocessing
    if isinstance(classifier, FeatureClassifier) and [n.crops for n in classifier.networks] == [1]:
        before, after = classifier.before[0], classifier.networks[0].preprocessing
        return after if before is None else Pipeline((before, after))
    raise SightkitError(
        "A photo must become one picture for one network.",
        "Give the bundle of one network, saved without crops.",
        classifier=type(classifier).__name__,
    )
