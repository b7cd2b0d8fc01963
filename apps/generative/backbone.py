"""Layers of a trained network, read on pictures of any size. Their gradients reach the pixels."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

import keras
import numpy as np

from sightkit._errors import SightkitError
from sightkit.training import Bundle
from sightkit.training.gradients import differentiate

Tensor = Any
Pooling = Literal["max", "average"]
SHADES = ((0, 0, 0), (255, 0, 0), (0, 255, 0), (0, 0, 255), (90, 160, 40))
"""Plain pictures that preprocessing is measured on; the last checks that it is a straight line."""
TOLERANCE = 0.02
"""Share of the range of the network's numbers that the check may miss: grey rounds to whole."""
NEAREST = 8
"""Names that an error lists in place of an unknown layer."""


class Backbone:
    """Layers of a trained network on pixels of 0 to 255, through the network's own preprocessing.

    The network is built anew without a fixed size, with the same weights; the bundle stays as it
    is. Compiled functions of it are traced once, and once more when a second size comes.

    Args:
        bundle: of a functional or sequential network, with its preprocessing.
        layers: names of layers that give maps.
        pooling: ``"average"`` puts the mean in the place of each maximum, which lets gradients
            through everywhere (Gatys et al. 2016).

    Attributes:
        layers: the names.
        model: (N, H, W, C) of any height and width to the list of their maps.
        slope: float32 (3, C), of each colour of a pixel on each of the network's numbers.
        start: float32 (C,), the numbers of a black pixel.

    Raises:
        SightkitError: no such layer (the nearest are listed), one that gives no maps, or
            preprocessing that is no straight line of the pixel.

    Example:
        backbone = Backbone(transfer.pretrained("vgg16", include_top=False), ["block4_conv2"])
        maps = backbone(pixels)[0]
    """

    def __init__(self, bundle: Bundle, layers: Sequence[str], *, pooling: Pooling = "max") -> None:
        require_layers(bundle.network, layers)
        self.layers = tuple(layers)
        self.model = _of_any_size(bundle.network, layers, pooling)
        self.slope, self.start = _numbers_of_pixels(bundle)

    def __call__(self, pixels: Tensor) -> list[Tensor]:
        """Return the maps of each layer.

        Args:
            pixels: float32 (N, H, W, 3), RGB, 0 to 255.
        """
        numbers = keras.ops.matmul(pixels, self.slope) + self.start
        return keras.tree.flatten(self.model(numbers, training=False))

    def maps(self, picture: np.ndarray) -> list[np.ndarray]:
        """Return the maps of each layer for a picture.

        Args:
            picture: (H, W, 3), RGB, 0 to 255.
        """
        pixels = keras.ops.convert_to_tensor(np.asarray(picture, np.float32)[np.newaxis])
        return [keras.ops.convert_to_numpy(each) for each in self(pixels)]

    def differentiated(self, loss: Callable[..., Tensor]) -> Callable[..., Any]:
        """Return a compiled function of a picture that gives a loss and its gradient by pixel.

        Args:
            loss: ``loss(pixels, maps, *arguments)`` to a tensor (K,) of terms, by ``keras.ops``.

        Returns:
            ``function(picture, *arguments)``, of float32 (H, W, 3), to the terms, float32 (K,), and
            the gradient of their sum, float32 (H, W, 3).
        """

        def summed(values: list[Tensor], *arguments: Any) -> tuple[Tensor, Tensor]:
            with keras.StatelessScope():
                terms = loss(values[0], self(values[0]), *arguments)
            return keras.ops.sum(terms), terms

        run = differentiate(summed, compiled=True)

        def function(picture: np.ndarray, *arguments: Any) -> tuple[np.ndarray, np.ndarray]:
            pixels = keras.ops.convert_to_tensor(np.asarray(picture, np.float32)[np.newaxis])
            _, terms, (gradient,) = run([pixels], *arguments)
            return keras.ops.convert_to_numpy(terms), keras.ops.convert_to_numpy(gradient)[0]

        return function


def map_layers(network: keras.Model) -> list[str]:
    """Return the names of the layers that give maps, in order, the input aside."""
    return [
        layer.name
        for layer in network.layers
        if not isinstance(layer, keras.layers.InputLayer)
        and len(getattr(getattr(layer, "output", None), "shape", ())) == 4
    ]


def stage_layers(network: keras.Model) -> list[list[str]]:
    """Return the activations of each size of maps, from the largest on: halvings, about."""
    side = network.inputs[0].shape[1]
    found: dict[int, list[str]] = {}
    for name in _ends(network):
        halvings = round(math.log2(side / network.get_layer(name).output.shape[1]))
        found.setdefault(halvings, []).append(name)
    return [found[halvings] for halvings in sorted(found)]


def default_layer(network: keras.Model, depth: float) -> str:
    """Return the activation, sum or concatenation at a depth, a share of all those of a network."""
    ends = _ends(network)
    return ends[int(depth * len(ends))]


def _ends(network: keras.Model) -> list[str]:
    """Return the layers that a block ends with; all that give maps where there are none."""
    kinds = ("ReLU", "Activation", "Add", "Concatenate")
    names = map_layers(network)
    return [name for name in names if type(network.get_layer(name)).__name__ in kinds] or names


def require_layers(network: keras.Model, layers: Sequence[str]) -> None:
    """Raise unless each name is of a layer of the network that gives maps."""
    known = map_layers(network)
    for name in layers:
        if name not in known:
            near = difflib.get_close_matches(name, known, NEAREST, cutoff=0.3) or known[-NEAREST:]
            raise SightkitError(
                "A layer must be one of the network's that give maps.",
                f"The nearest of {len(known)} are {', '.join(near)}; scripts/inspect_model.py "
                "lists them.",
                layer=name,
                network=network.name,
            )


def _of_any_size(network: keras.Model, layers: Sequence[str], pooling: Pooling) -> keras.Model:
    """Return a copy of the network up to some layers, for pictures of any height and width."""
    outputs = [network.get_layer(name).output for name in layers]
    cut = keras.Model(network.inputs[0], outputs)

    def copied(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = layer.get_config()
        if pooling == "average" and isinstance(layer, keras.layers.MaxPooling2D):
            return keras.layers.AveragePooling2D.from_config(config)
        return type(layer).from_config(config)

    anew = keras.Input((None, None, network.inputs[0].shape[-1]))
    try:
        model = keras.models.clone_model(cut, input_tensors=anew, clone_function=copied)
    except (ValueError, TypeError) as error:
        raise SightkitError(
            "The layers must not depend on the size of the picture: a dense one before them does.",
            "Name earlier layers.",
            layers=list(layers),
            network=network.name,
        ) from error
    model.set_weights(cut.get_weights())
    model.trainable = False
    return model


def _numbers_of_pixels(bundle: Bundle) -> tuple[np.ndarray, np.ndarray]:
    """Measure what preprocessing makes of a pixel, on plain pictures, which no crop changes."""
    pictures = [np.full((256, 256, 3), shade, np.uint8) for shade in SHADES]
    black, red, green, blue, other = (
        np.asarray(bundle.preprocessing(picture), np.float64).mean(axis=(0, 1))
        for picture in pictures
    )
    slope = (np.stack([red, green, blue]) - black) / 255
    missed = np.abs(np.array(SHADES[-1]) @ slope + black - other).max()
    if missed > TOLERANCE * 255 * np.abs(slope).sum(axis=0).max():
        raise SightkitError(
            "The network's numbers must be a straight line of their own pixel.",
            "Take a network whose chain scales its pixels, and no more.",
            network=bundle.network.name,
            missed=float(missed),
        )
    return slope.astype(np.float32), black.astype(np.float32)
