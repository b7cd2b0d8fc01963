"""Style transfer: the content of one picture, painted like others.

Gatys, Ecker, Bethge, "Image style transfer using convolutional neural networks", 2016. Style is
what the channels of a layer have in common, over all places (Gram matrices). Each loss is a share
of what it is measured against, so that weights mean the same for every layer, network and size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from sightkit._errors import SightkitError
from sightkit.apps.generative.backbone import Backbone, Tensor

TERMS: tuple[str, ...] = ("content", "style", "variation")
"""Of the loss, in order."""


@dataclass(frozen=True)
class StyleWeights:
    """What each part of the loss counts.

    Attributes:
        content: of the squared difference of the content layers' maps from those of the content, a
            share of their square.
        style: of the squared difference of the style layers' Gram matrices from those of the style,
            a share of their square, the mean over layers.
        variation: of the squared difference of neighbouring pixels (total variation), a share of
            that of the content.
    """

    content: float = 1.0
    style: float = 10.0
    variation: float = 0.01

    def __post_init__(self) -> None:
        if not all(value >= 0 for value in (self.content, self.style, self.variation)):
            raise SightkitError("Weights of the loss must not be below 0.", weights=self)


class StyleLoss:
    """The loss of a picture against a content and styles, at any size, and its gradient.

    Args:
        backbone: with the content layers and the style layers.
        content: names of the content layers.
        style: names of the style layers.
        weights: of the three terms.
    """

    def __init__(
        self,
        backbone: Backbone,
        content: Sequence[str],
        style: Sequence[str],
        weights: StyleWeights = StyleWeights(),
    ) -> None:
        self.backbone = backbone
        self._content = [backbone.layers.index(name) for name in content]
        self._style = [backbone.layers.index(name) for name in style]
        self._weights = np.array([weights.content, weights.style, weights.variation], np.float32)
        self._run = backbone.differentiated(self._terms)

    def targets(
        self, content: np.ndarray, styles: Sequence[tuple[np.ndarray, float]]
    ) -> dict[str, Any]:
        """Return what a picture is compared with.

        Several styles become one by the weighted mean of their Gram matrices: for weights that sum
        to one that is the sum of their losses, up to a constant.

        Args:
            content: float32 (H, W, 3), 0 to 255.
            styles: pictures of any size, each with its weight.
        """
        maps = self.backbone.maps(content)
        total = sum(weight for _, weight in styles)
        grams = [np.zeros(()) for _ in self._style]
        for picture, weight in styles:
            found = self.backbone.maps(picture)
            for number, index in enumerate(self._style):
                gram = keras.ops.convert_to_numpy(_gram(found[index]))
                grams[number] = grams[number] + gram * (weight / total)
        variation = float(keras.ops.convert_to_numpy(_variation(content[np.newaxis])))
        return {
            "contents": [maps[index] for index in self._content],
            "grams": [np.asarray(each, np.float32) for each in grams],
            "variation": np.float32(max(variation, 1.0)),
        }

    def __call__(
        self, picture: np.ndarray, targets: Mapping[str, Any]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the weighted terms, float32 (3,), and the gradient, float32 (H, W, 3)."""
        return self._run(picture, dict(targets))

    def of_batch(self, photos: Tensor, painted: Tensor, grams: Sequence[np.ndarray]) -> Tensor:
        """Return the weighted terms, (3,), of painted photos against the photos, as means.

        Args:
            photos: float32 (N, H, W, 3), 0 to 255.
            painted: of the same shape.
            grams: of ``targets``.
        """
        maps = self.backbone(photos)
        targets = {
            "contents": [maps[index] for index in self._content],
            "grams": grams,
            "variation": keras.ops.maximum(_variation(photos), 1.0),
        }
        return self._terms(painted, self.backbone(painted), targets)

    def _terms(self, pixels: Tensor, maps: list[Tensor], targets: Mapping[str, Any]) -> Tensor:
        ops = keras.ops
        contents = [
            _share(maps[index], wanted)
            for index, wanted in zip(self._content, targets["contents"], strict=True)
        ]
        styles = [
            _share(_gram(maps[index]), wanted)
            for index, wanted in zip(self._style, targets["grams"], strict=True)
        ]
        means = [ops.mean(ops.stack(each)) if each else 0.0 for each in (contents, styles)]
        variation = _variation(pixels) / targets["variation"]
        return ops.stack([*means, variation]) * self._weights


def _gram(maps: Tensor) -> Tensor:
    """Return the mean product of each two channels, (N, C, C), of maps (N, H, W, C)."""
    ops = keras.ops
    places = ops.reshape(maps, (ops.shape(maps)[0], -1, maps.shape[-1]))
    count = ops.cast(ops.shape(places)[1], places.dtype)
    return ops.matmul(ops.transpose(places, (0, 2, 1)), places) / count


def _share(found: Tensor, wanted: Tensor) -> Tensor:
    """Return the squared difference as a share of what is wanted, of one picture or of each."""
    ops = keras.ops
    times = ops.cast(ops.shape(found)[0] // ops.shape(wanted)[0], found.dtype)
    return ops.sum(ops.square(found - wanted)) / (ops.sum(ops.square(wanted)) + 1e-12) / times


def _variation(pixels: Tensor) -> Tensor:
    """Return the mean squared difference of neighbouring pixels."""
    ops = keras.ops
    down = ops.mean(ops.square(pixels[:, 1:] - pixels[:, :-1]))
    across = ops.mean(ops.square(pixels[:, :, 1:] - pixels[:, :, :-1]))
    return down + across
