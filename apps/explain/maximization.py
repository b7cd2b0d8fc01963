"""Class-score maximization: the picture that a class, or a channel of a layer, likes best.

Begun with zeros, the mean colour, the picture climbs the gradient of the score (Simonyan, Vedaldi,
Zisserman 2014, https://arxiv.org/abs/1312.6034). Plain, that ends in noise: the regularizers of
Yosinski et al. 2015 (https://arxiv.org/abs/1506.06579) keep it a picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from sightkit._errors import SightkitError
from sightkit.apps.explain.explainer import Explainer, Inputs
from sightkit.apps.explain.layer_calls import LayerCall

BANDS = (0.2, 0.5, 1.0, 1.0, 1.0, 1.0)
"""Share of each octave in a step, the finest first: an equal share of the two finest is noise."""
CALM = 10
"""Last steps without blur and clipping."""


@dataclass(frozen=True)
class Regularizers:
    """What keeps a maximized picture from noise; 0 switches one off.

    Attributes:
        blur: standard deviation in pixels of the blur at the first steps and at the last ones,
            between them it falls: against high frequencies.
        every: steps from one blur, or clipping, to the next.
        decay: share of the picture that each step takes away: against extreme pixels.
        small_norm: share of pixels that are set to zero because they are nearly zero already.
        small_contribution: share of pixels that are set to zero because the score would lose the
            least by it: pixel times gradient, summed over the channels.
        jitter: pixels by which the picture is shifted at random, at most.
        turn: degrees by which it is turned, at most.
        zoom: share by which it is made larger or smaller, at most.
    """

    blur: tuple[float, float] = (2.5, 0.7)
    every: int = 4
    decay: float = 0.01
    small_norm: float = 0.0
    small_contribution: float = 0.0
    jitter: float = 16
    turn: float = 10
    zoom: float = 0.15

    def __post_init__(self) -> None:
        shares = (self.decay, self.small_norm, self.small_contribution, self.zoom)
        amounts = (*self.blur, self.jitter, self.turn)
        within = all(0 <= s < 1 for s in shares) and all(a >= 0 for a in amounts)
        if not (within and self.every >= 1):
            raise SightkitError(
                "decay, small_norm, small_contribution and zoom are shares from 0 to below 1; "
                "blur, jitter and turn are at least 0, every at least 1.",
                regularizers=self,
            )


PLAIN = Regularizers(blur=(0, 0), decay=0, jitter=0, turn=0, zoom=0)
"""None of them: shows why they are there."""


@dataclass(frozen=True)
class Maximized:
    """A picture that was climbed to.

    Attributes:
        pixels: float32 (H, W, C), as the network takes them.
        scores: of the class, or the channel's mean, at each step, float32 (steps,).
    """

    pixels: np.ndarray
    scores: np.ndarray


def maximize(
    explainer: Explainer,
    target: int | str | None = None,
    *,
    channel: int | None = None,
    layer: str | None = None,
    steps: int = 300,
    rate: float = 0.03,
    limits: tuple[Any, Any] = (-1.0, 1.0),
    regularizers: Regularizers = Regularizers(),
    octaves: bool = True,
    inputs: Inputs | None = None,
    seed: int = 0,
) -> Maximized:
    """Climb from zeros to the picture that a class, or a channel of a layer, likes best.

    Args:
        explainer: of any network.
        target: the class, by index or name.
        channel: of a layer, in place of a class.
        layer: its name, or its path; by default the last that computes a map.
        steps: gradients that are followed.
        rate: length of a step: the mean square change of a pixel, as a share of the limits.
        limits: lowest and highest number of a pixel, as the network takes it, or arrays of them
            (``PixelChain.limits``). Where zero is not between them their middle takes its place.
        regularizers: against noise.
        octaves: give coarse and fine octaves of the gradient fixed shares of a step.
        inputs: those of a network whose input has no fixed size, or that has several; of the
            explained one only the shape counts.
        seed: of shifts, turns and zooms.

    Returns:
        The picture, and how the score grew.

    Raises:
        SightkitError: neither a class nor a channel, or one that there is not.
    """
    inputs = explainer.blank() if inputs is None else inputs
    weights, call = _wanted(explainer, inputs, target, layer, channel)
    rng = np.random.default_rng(seed)
    own, (low, high) = regularizers, map(np.float32, limits)
    if not (steps >= 1 and rate > 0 and np.all(low < high)):
        raise SightkitError(
            "steps is at least 1, rate above 0, and limits go from low to high.",
            steps=steps,
            rate=rate,
            limits=(float(np.min(low)), float(np.max(high))),
        )
    middle = np.where((low < 0) & (high > 0), np.float32(0), (low + high) / 2)
    picture = np.zeros(explainer.pixels(inputs).shape[1:], np.float32)  # what is added to it
    scores = []
    for step in range(steps):
        move = _movement(rng, picture.shape, own)
        seen = middle + _warped(picture, move, cv2.BORDER_REFLECT)
        numbers, gradient = explainer.pixel_gradients(
            explainer.with_pixels(inputs, seen[np.newaxis]), weights, call=call
        )
        scores.append(float(np.sum(numbers * weights)))
        if not gradient.any():  # no ReLU has a slope at zeros, in a network without biases
            gradient = rng.standard_normal(gradient.shape, np.float32)
        back = cv2.invertAffineTransform(move)
        gradient = _warped(gradient[0], back, cv2.BORDER_CONSTANT)
        ascent = _by_octave(gradient) if octaves else gradient
        picture += rate * (high - low) / 2 * ascent / max(float(ascent.std()), 1e-12)
        picture *= 1 - own.decay
        if step % own.every == 0 and step < steps - CALM:
            picture = _regularized(picture, gradient, own, step / steps)
        picture = np.clip(picture, low - middle, high - middle)
    return Maximized(middle + picture, np.array(scores, np.float32))


def _wanted(
    explainer: Explainer, inputs: Inputs, target: Any, layer: str | None, channel: int | None
) -> tuple[np.ndarray, LayerCall | None]:
    """Return the weights of the scores, or of a layer's channels, and the layer's call."""
    if (target is None) == (channel is None) or (layer is not None and channel is None):
        raise SightkitError(
            "Either a class is maximized, or a channel of a layer.",
            "Give target alone, or channel, and its layer.",
            target=target,
            layer=layer,
            channel=channel,
        )
    if target is not None:
        return explainer.one_hot(explainer.part(inputs, slice(1)), target), None
    call = explainer.layer(inputs, layer)
    return np.eye(call.shape[-1], dtype=np.float32)[[channel_of(call, channel)]], call


def channel_of(call: LayerCall, channel: int | None) -> int:
    """Return the number of a channel.

    Raises:
        SightkitError: the layer has no such channel.
    """
    if channel is None or not 0 <= channel < call.shape[-1]:
        raise SightkitError(
            f"--channel is one of the layer's {call.shape[-1]}: 0 to {call.shape[-1] - 1}.",
            layer=call.path,
            channel=channel,
        )
    return channel


def _movement(rng: np.random.Generator, shape: tuple[int, ...], own: Regularizers) -> np.ndarray:
    """Return a random shift, turn and zoom about the middle, float64 (2, 3)."""
    angle, zoom = rng.uniform(-own.turn, own.turn), rng.uniform(1 - own.zoom, 1 + own.zoom)
    move = cv2.getRotationMatrix2D((shape[1] / 2 - 0.5, shape[0] / 2 - 0.5), angle, zoom)
    move[:, 2] += np.rint(rng.uniform(-own.jitter, own.jitter, 2))
    return move


def _warped(image: np.ndarray, move: np.ndarray, border: int) -> np.ndarray:
    height, width, channels = image.shape
    found = cv2.warpAffine(image, move, (width, height), borderMode=border)
    return found.reshape(height, width, channels)


def _by_octave(gradient: np.ndarray) -> np.ndarray:
    """Return a gradient whose octaves, of a Laplacian pyramid, have their fixed shares."""
    bands, rest = [], gradient
    while len(bands) < len(BANDS) - 1 and min(rest.shape[:2]) > 7:
        coarse = cv2.pyrDown(rest)
        bands.append(rest - _grown(coarse, rest))
        rest = coarse
    found = np.zeros_like(rest)
    for band, share in zip([rest, *bands[::-1]], BANDS[len(bands) :: -1], strict=True):
        band = band.reshape(*band.shape[:2], gradient.shape[2])
        found = _grown(found, band) + share * band / max(float(band.std()), 1e-12)
    return found


def _grown(image: np.ndarray, like: np.ndarray) -> np.ndarray:
    if image.shape[:2] != like.shape[:2]:
        image = cv2.pyrUp(image, dstsize=(like.shape[1], like.shape[0]))
    return image.reshape(like.shape)


def _regularized(
    picture: np.ndarray, gradient: np.ndarray, own: Regularizers, progress: float
) -> np.ndarray:
    first, last = own.blur
    deviation = first + (last - first) * progress
    if deviation:
        picture = cv2.GaussianBlur(picture, (0, 0), deviation).reshape(picture.shape)
    for share, of_pixels in (
        (own.small_norm, np.linalg.norm(picture, axis=2)),
        (own.small_contribution, np.sum(picture * gradient, axis=2)),
    ):
        if share:
            small = of_pixels < np.quantile(of_pixels, share)
            picture = np.where(small[..., np.newaxis], np.float32(0), picture)
    return picture
