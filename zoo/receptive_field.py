"""The receptive field of a layer's window, and the pixels at the edge that it never reads."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import layers

from sightkit._errors import SightkitError
from sightkit.zoo.unpooling import Unpooling2D

_CONVOLUTIONS = (layers.Conv2D, layers.DepthwiseConv2D, layers.SeparableConv2D)
_POOLINGS = (layers.MaxPooling2D, layers.AveragePooling2D)
_SEE_ALL = (layers.Flatten, layers.GlobalAveragePooling2D, layers.GlobalMaxPooling2D, keras.Model)


_ONE_PIXEL = np.array([Fraction(1), Fraction(1)])


class View(NamedTuple):
    """The pixels of the input that one output value sees, arrays (height, width) of fractions.

    Attributes:
        field: receptive field; None where everything is seen.
        jump: distance between the centres of two neighbouring values' fields. Below 1 after
            up-sampling.
    """

    field: np.ndarray | None = _ONE_PIXEL
    jump: np.ndarray = _ONE_PIXEL


def view_after(layer: Any, sources: Sequence[View]) -> View:
    """Return the view of a layer's outputs, given those of its inputs; the widest of several."""
    if getattr(layer, "data_format", "channels_last") != "channels_last":
        raise SightkitError(
            "sightkit is channels-last.",
            "Build the network with data_format='channels_last'.",
            layer=layer.name,
            data_format=layer.data_format,
        )
    before = _widest(sources)
    sees_all = isinstance(layer, _SEE_ALL) or (
        isinstance(layer, layers.Dense) and len(layer.output.shape) == 2
    )
    if sees_all or before.field is None:
        return View(field=None)
    if isinstance(layer, layers.Conv2DTranspose):
        # A value reads ceil(kernel / stride) values of its input.
        read = -(-np.array(layer.kernel_size) // layer.strides)
        return View(before.field + (read - 1) * before.jump, before.jump / layer.strides)
    if isinstance(layer, layers.UpSampling2D):
        return View(before.field, before.jump / layer.size)
    if isinstance(layer, Unpooling2D):
        return View(before.field, before.jump / 2)
    window = _window(layer)
    if window is None:
        return before
    sides, strides = window
    return View(before.field + (np.array(sides) - 1) * before.jump, before.jump * strides)


def lost_pixels(layer: Any, padding: Sequence[int] = (0, 0)) -> str:
    """Report where (W - F + 2P) / S + 1 is no integer: that sum, and the pixels lost; or "".

    Args:
        layer: any layer; padding "same" loses nothing, it adds what is missing.
        padding: rows and columns (both edges together, 2P) that the layer before has added.
    """
    window = _window(layer)
    if window is None or getattr(layer, "padding", "same") != "valid":
        return ""
    sums, lost = [], []
    sizes = layer.input.shape[1:3]
    for size, side, stride, pad, what in zip(
        sizes, *window, padding, ("row", "column"), strict=True
    ):
        rest = (size - side) % stride if size else 0
        if size and rest:
            result = f"{(size - side) / stride + 1:g}"
            sums.append(f"({size - pad} - {side} + {pad})/{stride} + 1 = {result}")
            lost.append(f"{rest} {what}{'s' if rest > 1 else ''}")
    if not lost:
        return ""
    verb = "is" if len(lost) == 1 and lost[0].startswith("1 ") else "are"
    text = " and ".join(dict.fromkeys(sums))
    return f"{text} is no integer: {' and '.join(lost)} {verb} not read"


def _window(layer: Any) -> tuple[Any, Any] | None:
    """(sides, strides) of a convolution (its kernel spread by dilation) or pooling; else None."""
    if isinstance(layer, _CONVOLUTIONS) and not isinstance(layer, layers.Conv2DTranspose):
        sides = (np.array(layer.kernel_size) - 1) * layer.dilation_rate + 1
        strides = layer.strides if isinstance(layer.strides, tuple) else (layer.strides,) * 2
        return sides, strides
    if isinstance(layer, _POOLINGS):
        return layer.pool_size, layer.strides
    return None


def _widest(views: Sequence[View]) -> View:
    if not views:
        return View()
    fields = [view.field for view in views if view.field is not None]
    if len(fields) < len(views):
        return View(field=None)
    return View(np.max(fields, axis=0), np.max([view.jump for view in views], axis=0))
