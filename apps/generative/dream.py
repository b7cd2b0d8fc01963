"""Deep dream: a picture climbs the gradient of what some layers of a network see in it.

Mordvintsev, Olah, Tyka, "Inceptionism: going deeper into neural networks", 2015. From coarse to
fine (octaves); what a larger octave knows of the picture and the smaller one lost is put back. Each
layer counts by its weight alone: what it gives is divided by what it gave for the untouched
picture.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import keras
import numpy as np

from sightkit._errors import SightkitError
from sightkit.apps.generative.backbone import Backbone, Tensor
from sightkit.apps.generative.pictures import resized

LEAST_SIDE = 32
"""Pixels: octaves smaller than that are left out."""
DRIFT = 12
"""Standard deviation in pixels of what is taken from the gradient: brightness and colour of whole
regions, which would drift to white."""
GUIDES = 4096
"""Places of the guide that each place of the dream may choose from, at most: bounds the memory."""


@dataclass(frozen=True)
class DreamSettings:
    """How a dream climbs.

    Attributes:
        octaves: sizes, from coarse to fine.
        octave_scale: factor from one to the next.
        steps: gradient steps an octave.
        rate: grey levels that a pixel moves in a step, in the mean.
        jitter: pixels by which the picture is shifted at random, at most, so that the network's
            grid leaves no trace.
        smoothing: standard deviation of a blur, in pixels, that calms the gradient: its half is
            blurred by as much, and a quarter by twice as much.
        tile: side in pixels of what the network sees at once; larger pictures are seen in tiles,
            with seams elsewhere in each step, so that memory is that of one tile.
        seed: of the shifts.
    """

    octaves: int = 3
    octave_scale: float = 1.4
    steps: int = 20
    rate: float = 1.5
    jitter: int = 32
    smoothing: float = 1.5
    tile: int = 512
    seed: int = 0

    def __post_init__(self) -> None:
        counts = self.octaves >= 1 and self.steps >= 1 and self.tile >= 64 and self.jitter >= 0
        if not (counts and self.octave_scale > 1 and self.rate > 0 and self.smoothing >= 0):
            raise SightkitError(
                "octaves and steps must be at least 1, tile 64, octave_scale more than 1, rate "
                "more than 0, jitter and smoothing not below 0.",
                settings=self,
            )


@dataclass(frozen=True)
class DreamStep:
    """One step: its octave, from 0, its number in it, and the loss before it."""

    octave: int
    step: int
    loss: float


class Dreamer:
    """Dreams of pictures by some layers of a network; made once, it dreams of any number.

    Args:
        backbone: with the layers.
        weights: one a layer; below 0 a layer is driven away from what it sees.
        guide: uint8 (H, W, 3): what is seen in the picture is then led to what is seen in this one.
    """

    def __init__(
        self, backbone: Backbone, weights: Sequence[float], guide: np.ndarray | None = None
    ) -> None:
        self.backbone = backbone
        self.weights = np.asarray(weights, np.float32)
        self._guides: list[np.ndarray] = []
        if guide is not None:
            self._guides = [_directions(maps) for maps in backbone.maps(guide)]
        self._climb = backbone.differentiated(self._terms)

    @property
    def layers(self) -> dict[str, float]:
        """The weights by layer."""
        return dict(zip(self.backbone.layers, self.weights.tolist(), strict=True))

    def dream(
        self,
        picture: np.ndarray,
        settings: DreamSettings = DreamSettings(),
        report: Callable[[DreamStep], None] = lambda step: None,
    ) -> np.ndarray:
        """Return the dream of a picture.

        Args:
            picture: uint8 (H, W, 3), RGB, at least 32 pixels a side.
            settings: how it climbs.
            report: called after each step.

        Returns:
            uint8 (H, W, 3).

        Raises:
            SightkitError: a picture that is too small, or a loss that is no number.
        """
        if min(picture.shape[:2]) < LEAST_SIDE:
            longer = math.ceil(LEAST_SIDE * max(picture.shape[:2]) / min(picture.shape[:2]))
            raise SightkitError(
                f"A dream needs a picture of {LEAST_SIDE} pixels a side at least.",
                f"Give --size {max(512, longer)}, which enlarges it.",
                shape=picture.shape,
            )
        rng = np.random.default_rng(settings.seed)
        whole = picture.astype(np.float32)
        scales: np.ndarray | None = None
        base = dreamt = whole
        for octave, size in enumerate(octave_sizes(picture.shape[:2], settings)):
            details = dreamt - base
            base = resized(whole, size)
            dreamt = base + resized(details, size) if octave else base
            for step in range(settings.steps):
                terms, gradient = self._gradient(dreamt, scales, settings, rng)
                if scales is None:
                    scales = 1 / np.maximum(np.abs(terms), 1e-12)
                    terms, gradient = self._gradient(dreamt, scales, settings, rng)
                loss = float(terms.sum())
                if not math.isfinite(loss):
                    raise SightkitError(
                        "The loss must be a number.", "Give a smaller --rate.", loss=loss
                    )
                report(DreamStep(octave, step, loss))
                dreamt = np.clip(dreamt + settings.rate * gradient, 0, 255)
        return np.rint(dreamt).astype(np.uint8)

    def _gradient(
        self,
        picture: np.ndarray,
        scales: np.ndarray | None,
        settings: DreamSettings,
        rng: np.random.Generator,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the layers' terms and the gradient, of mean size 1, over shifted tiles."""
        factors = np.ones_like(self.weights) if scales is None else self.weights * scales
        height, width = picture.shape[:2]
        tiled = height > settings.tile or width > settings.tile
        most = settings.tile if tiled else settings.jitter
        shift = tuple(int(each) for each in rng.integers(-most, most + 1, 2))
        rolled = np.roll(picture, shift, axis=(0, 1))
        gradient = np.zeros_like(picture)
        total, pixels = np.zeros_like(self.weights), 0
        for rows, columns in tiles(height, width, settings.tile):
            part = rolled[rows, columns]
            terms, found = self._climb(part, factors, self._guides)
            gradient[rows, columns] = found * part[..., 0].size  # a mean over all of its places
            total, pixels = total + terms * part[..., 0].size, pixels + part[..., 0].size
        gradient = np.roll(gradient, [-each for each in shift], axis=(0, 1))
        gradient -= cv2.GaussianBlur(gradient, (0, 0), DRIFT)
        if settings.smoothing:
            wide = cv2.GaussianBlur(gradient, (0, 0), 2 * settings.smoothing)
            calm = cv2.GaussianBlur(gradient, (0, 0), settings.smoothing)
            gradient = 0.25 * gradient + 0.5 * calm + 0.25 * wide
        return total / pixels, gradient / (np.abs(gradient).mean() + 1e-12)

    def _terms(
        self, pixels: Tensor, maps: list[Tensor], factors: Tensor, guides: list[Tensor]
    ) -> Tensor:
        """Return a term a layer: mean of the squares, or of the products with the guide."""
        ops = keras.ops
        if not guides:
            found = [ops.mean(ops.square(each)) for each in maps]
        else:
            found = [_towards(each, guide) for each, guide in zip(maps, guides, strict=True)]
        return ops.stack(found) * factors


def octave_sizes(size: tuple[int, ...], settings: DreamSettings) -> list[tuple[int, int]]:
    """Return (height, width) of each octave, from coarse to fine; too small ones are left out."""
    factors = [settings.octave_scale**-power for power in range(settings.octaves)]
    sizes = [(round(size[0] * factor), round(size[1] * factor)) for factor in factors]
    return [each for each in reversed(sizes) if min(each) >= LEAST_SIDE] or [(size[0], size[1])]


def tiles(height: int, width: int, side: int) -> Iterator[tuple[slice, slice]]:
    """Yield the rows and columns of tiles of one size that cover a picture.

    The last ones lie over their neighbours where the picture is no multiple of them.
    """
    for top in _starts(height, side):
        for left in _starts(width, side):
            yield slice(top, top + min(side, height)), slice(left, left + min(side, width))


def _starts(length: int, side: int) -> list[int]:
    count = math.ceil(length / side)
    return [min(number * side, max(0, length - side)) for number in range(count)]


def _directions(maps: np.ndarray) -> np.ndarray:
    """Return what a guide gives at its places, float32 (places, C), at most ``GUIDES``."""
    places = maps.reshape(-1, maps.shape[-1])
    return places[:: math.ceil(len(places) / GUIDES)].astype(np.float32)


def _towards(maps: Tensor, guide: Tensor) -> Tensor:
    """Return the mean product of each place with that place of the guide that suits it best."""
    ops = keras.ops
    places = ops.reshape(maps, (-1, maps.shape[-1]))
    products = ops.matmul(places, ops.transpose(guide))
    return ops.mean(ops.max(products, axis=1))
