"""A classifier as a network over pictures of any size: its answers to all windows at once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NoReturn

import keras
from keras import layers

from sightkit._errors import SightkitError

WAY = "Let batched windows answer: --method=sliding, in Python exact=True."
POINTWISE = (
    layers.Activation,
    layers.ReLU,
    layers.LeakyReLU,
    layers.ELU,
    layers.Dropout,
    layers.SpatialDropout2D,
    layers.GaussianDropout,
    layers.GaussianNoise,
    layers.Identity,
    layers.Rescaling,
)
"""Layers that treat each number alike, wherever it is."""
SLIDING = (
    layers.Conv2D,
    layers.DepthwiseConv2D,
    layers.SeparableConv2D,
    layers.MaxPooling2D,
    layers.AveragePooling2D,
)
MERGING = (layers.Add, layers.Subtract, layers.Multiply, layers.Average, layers.Maximum)
GLOBAL = {
    layers.GlobalAveragePooling2D: layers.AveragePooling2D,
    layers.GlobalMaxPooling2D: layers.MaxPooling2D,
}
ACROSS_CHANNELS = {"LocalResponseNormalization"}
"""Layers of the zoo that compute each place from its channels alone."""


@dataclass(frozen=True)
class DenseNetwork:
    """A network that answers all windows of a picture; made by ``fully_convolutional``.

    Attributes:
        network: (N, H, W, C) to (N, rows, columns, classes), H and W being the window's and a
            multiple of the stride more.
        window: (height, width) of what the classifier takes.
        stride: (down, right), pixels from one answer to the next.
        padded: layers that add a border to their input, by name. A window's border is zeros in
            the classifier, and what is beside the window here.
    """

    network: keras.Model
    window: tuple[int, int]
    stride: tuple[int, int]
    padded: tuple[str, ...]


@dataclass(frozen=True)
class _Place:
    """Of a tensor: its shape in one window, (height, width, channels), and pixels a step.

    ``flat``: it is a vector of all of these, in the classifier.
    """

    shape: tuple[int, int, int]
    stride: tuple[int, int]
    flat: bool = False

    @property
    def one(self) -> bool:
        return self.shape[:2] == (1, 1)


def fully_convolutional(network: keras.Model) -> DenseNetwork:
    """Return a copy of a classifier that takes whole pictures.

    A dense layer after ``Flatten`` becomes a convolution of the size of the flattened maps, those
    after it stay as they are, place by place; global pooling slides. A layer that sees its whole
    input at once moves by one step, whatever its own stride. Weights are copied.

    Args:
        network: functional or sequential, channels last, of one input of a fixed size.

    Raises:
        SightkitError: a layer that depends on where it is in the window or on all of it (such as
            squeeze-and-excitation, or batch normalization after Flatten); it is named.

    Reference:
        Sermanet et al., "OverFeat", 2014, arXiv:1312.6229; Long, Shelhamer, Darrell, "Fully
        convolutional networks for semantic segmentation", 2015.
    """
    shape = _input_shape(network)
    images = keras.Input((None, None, shape[2]), name="pictures")
    walk = _Walk()
    walk.places[id(images)] = _Place(shape, (1, 1))
    outputs = walk.through(network, images)
    end = walk.places[id(outputs)]
    if not end.one:
        raise SightkitError(
            "The dense path needs one answer a window.",
            WAY,
            network=network.name,
            output=end.shape,
        )
    dense = keras.Model(images, outputs, name=f"{network.name}_dense")
    for layer, copy in walk.copies:
        copy.set_weights(
            [w.reshape(own.shape) for w, own in zip(layer.get_weights(), copy.weights, strict=True)]
        )
    return DenseNetwork(dense, shape[:2], end.stride, tuple(dict.fromkeys(walk.padded)))


class _Walk:
    """Calls copies of a network's layers one after the other on a picture of unknown size."""

    def __init__(self) -> None:
        self.places: dict[int, _Place] = {}
        self.copies: list[tuple[Any, Any]] = []
        self.padded: list[str] = []
        self._alive: list[Any] = []  # a tensor's id is its own as long as it lives

    def through(self, network: keras.Model, images: Any) -> Any:
        functional = keras.Model(network.inputs, network.outputs[0], name=network.name)
        cloned = keras.models.clone_model(
            functional,
            input_tensors=[images],
            clone_function=lambda layer: layer,
            call_function=self.call,
        )
        self._alive.append(cloned)
        return cloned.outputs[0]

    def call(self, layer: Any, *args: Any, **kwargs: Any) -> Any:
        given = args[0] if args else next(iter(kwargs.values()))
        tensors = list(given) if isinstance(given, list | tuple) else [given]
        places = [self.places[id(tensor)] for tensor in tensors]
        if isinstance(layer, keras.Model):
            return self.through(layer, given)
        outputs, place = self._converted(layer, given, places)
        self.places[id(outputs)] = place
        self._alive.append(outputs)
        return outputs

    def _converted(self, layer: Any, given: Any, places: list[_Place]) -> tuple[Any, _Place]:
        place, *others = places
        kind = type(layer)
        if getattr(layer, "data_format", "channels_last") != "channels_last":
            _refuse(layer, "it takes channels first")
        if kind in MERGING or kind is layers.Concatenate:
            return self._merged(layer, given, places)
        if others:
            _refuse(layer, "it takes several inputs")
        if kind in POINTWISE or kind.__name__ in ACROSS_CHANNELS:
            squashing = getattr(layer, "activation", None) is keras.activations.softmax
            if squashing and not place.one:
                _refuse(layer, "it is a softmax over all places")
            return self._copy(layer)(given), place
        if kind is layers.Softmax or isinstance(layer, layers.BatchNormalization):
            return self._along_channels(layer, given, place)
        if kind is layers.PReLU:
            if place.flat or list(layer.shared_axes or ()) != [1, 2]:
                _refuse(layer, "each place has a slope of its own")
            return self._copy(layer)(given), place
        if kind in SLIDING:
            return self._slid(layer, given, place)
        if kind in (layers.ZeroPadding2D, layers.Cropping2D):
            if kind is layers.ZeroPadding2D:
                self.padded.append(layer.name)
            return self._copy(layer)(given), _after(layer, place)
        if kind in GLOBAL:
            return self._pooled(layer, given, place)
        if kind is layers.Flatten:
            return given, _Place(place.shape, place.stride, flat=not place.one)
        if kind is layers.Reshape and place.one:
            if math.prod(layer.target_shape) in (place.shape[2], -1):
                return given, place
        if kind is layers.Dense:
            return self._dense(layer, given, place)
        return _refuse(layer, "it depends on where it is in the window, or is not known")

    def _copy(self, layer: Any, **changed: Any) -> Any:
        copy = type(layer).from_config({**layer.get_config(), **changed})
        if layer.weights:
            self.copies.append((layer, copy))
        return copy

    def _merged(self, layer: Any, given: Any, places: list[_Place]) -> tuple[Any, _Place]:
        place = places[0]
        if len({(each.shape[:2], each.stride, each.flat) for each in places}) > 1:
            _refuse(layer, "it joins a part of the window with all of it")
        if type(layer) is not layers.Concatenate:
            return self._copy(layer)(given), place
        if place.flat or layer.axis not in (-1, 1 if place.one else 3):
            _refuse(layer, "it joins places, not channels")
        shape = (*place.shape[:2], sum(each.shape[2] for each in places))
        return self._copy(layer, axis=-1)(given), _Place(shape, place.stride)

    def _along_channels(self, layer: Any, given: Any, place: _Place) -> tuple[Any, _Place]:
        spec = getattr(layer, "input_spec", None)
        if place.flat or layer.axis not in (-1, (spec.ndim if spec else 0) - 1):
            _refuse(layer, "it does not treat each place alike")
        return self._copy(layer, axis=-1)(given), place

    def _slid(self, layer: Any, given: Any, place: _Place) -> tuple[Any, _Place]:
        if place.flat:
            _refuse(layer, "it follows Flatten")
        after = _after(layer, place)
        strides = _pair(layer.strides)
        if layer.padding == "valid" and after.one and _kernel(layer) == place.shape[:2]:
            # All of its input at once: in a picture it may move by one.
            return self._copy(layer, strides=(1, 1))(given), _Place(after.shape, place.stride)
        if layer.padding == "same" and _border(layer, place):
            self.padded.append(layer.name)
        stride = (place.stride[0] * strides[0], place.stride[1] * strides[1])
        return self._copy(layer)(given), _Place(after.shape, stride)

    def _pooled(self, layer: Any, given: Any, place: _Place) -> tuple[Any, _Place]:
        if place.flat:
            _refuse(layer, "it follows Flatten")
        height, width, channels = place.shape
        kind = GLOBAL[type(layer)]
        # Columns, then rows: 2n numbers a place in place of n².
        down = kind((height, 1), strides=1, name=f"{layer.name}_down")(given)
        across = kind((1, width), strides=1, name=f"{layer.name}_across")(down)
        return across, _Place((1, 1, channels), place.stride)

    def _dense(self, layer: Any, given: Any, place: _Place) -> tuple[Any, _Place]:
        after = _Place((1, 1, layer.units), place.stride)
        if place.one:
            return self._copy(layer)(given), after
        if not place.flat:
            return self._copy(layer)(given), _Place((*place.shape[:2], layer.units), place.stride)
        convolution = layers.Conv2D(
            layer.units,
            place.shape[:2],
            activation=layer.activation,
            use_bias=layer.use_bias,
            dtype=layer.dtype_policy,
            name=layer.name,
        )
        self.copies.append((layer, convolution))
        return convolution(given), after


def _after(layer: Any, place: _Place) -> _Place:
    _, height, width, channels = layer.compute_output_shape((None, *place.shape))
    return _Place((height, width, channels), place.stride)


def _border(layer: Any, place: _Place) -> bool:
    """Return True if padding "same" adds anything to a window."""
    dilation = _pair(getattr(layer, "dilation_rate", 1))
    sides = zip(place.shape[:2], _kernel(layer), dilation, _pair(layer.strides), strict=True)
    return any(
        (math.ceil(side / stride) - 1) * stride + (size - 1) * apart + 1 > side
        for side, size, apart, stride in sides
    )


def _kernel(layer: Any) -> tuple[int, int]:
    return _pair(getattr(layer, "kernel_size", None) or layer.pool_size)


def _pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[1])


def _input_shape(network: keras.Model) -> tuple[int, int, int]:
    inputs = getattr(network, "inputs", None) or ()
    outputs = getattr(network, "outputs", None) or ()
    shapes = [tuple(each.shape[1:]) for each in inputs]
    if len(shapes) != 1 or len(outputs) != 1 or len(shapes[0]) != 3 or None in shapes[0]:
        raise SightkitError(
            "The dense path takes a functional classifier of one input of fixed size, (height, "
            "width, channels), and one output.",
            WAY,
            inputs=shapes,
            outputs=len(outputs),
        )
    height, width, channels = shapes[0]
    return height, width, channels


def _refuse(layer: Any, reason: str) -> NoReturn:
    raise SightkitError(
        f"The dense path cannot take this layer: {reason}.",
        WAY,
        layer=layer.name,
        kind=type(layer).__name__,
    )
