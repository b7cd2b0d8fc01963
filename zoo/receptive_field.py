"""The receptive field of a layer's window, and the pixels at the edge that it never reads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import keras
from keras import layers

from sightkit._errors import SightkitError

_CONVOLUTIONS = (layers.Conv2D, layers.DepthwiseConv2D, layers.SeparableConv2D)
_POOLINGS = (layers.MaxPooling2D, layers.AveragePooling2D)
_SEE_ALL = (
    layers.Flatten,
    layers.GlobalAveragePooling2D,
    layers.GlobalMaxPooling2D,
    keras.Model,
)


@dataclass(frozen=True)
class View:
    """The pixels of the input that one output value sees, (height, width).

    Attributes:
        field: receptive field; None where everything is seen.
        jump: distance between the centres of two neighbouring values' fields. A fraction after
            up-sampling.
    """

    field: tuple[Fraction, Fraction] | None = (Fraction(1), Fraction(1))
    jump: tuple[Fraction, Fraction] = (Fraction(1), Fraction(1))


def view_after(layer: Any, sources: Sequence[View]) -> View:
    """Return the view of a layer's outputs, given those of its inputs; the widest of several."""
    before = _widest(sources)
    sees_all = isinstance(layer, _SEE_ALL) or (
        isinstance(layer, layers.Dense) and len(layer.output.shape) == 2
    )
    if sees_all or before.field is None:
        return View(field=None)
    if isinstance(layer, layers.Conv2DTranspose):
        return _enlarged(before, layer.kernel_size, layer.strides)
    if isinstance(layer, layers.UpSampling2D):
        return _enlarged(before, (1, 1), layer.size)
    window = _window(layer)
    if window is None:
        return before
    sides, strides = window
    return View(
        field=_pair(
            field + (side - 1) * jump
            for field, side, jump in zip(before.field, sides, before.jump, strict=True)
        ),
        jump=_pair(jump * stride for jump, stride in zip(before.jump, strides, strict=True)),
    )


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


def _window(layer: Any) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """(sides, strides) of a convolution (its kernel spread by dilation) or pooling; else None."""
    if isinstance(layer, (*_CONVOLUTIONS, *_POOLINGS, layers.Conv2DTranspose)):
        _channels_last(layer)
    if isinstance(layer, layers.Conv2DTranspose):
        return None
    if isinstance(layer, _CONVOLUTIONS):
        sides = tuple(
            (side - 1) * dilation + 1
            for side, dilation in zip(layer.kernel_size, layer.dilation_rate, strict=True)
        )
        strides = layer.strides if isinstance(layer.strides, tuple) else (layer.strides,) * 2
        return sides, strides  # type: ignore[return-value]
    if isinstance(layer, _POOLINGS):
        return tuple(layer.pool_size), tuple(layer.strides)  # type: ignore[return-value]
    return None


def _enlarged(before: View, kernel: Sequence[int], strides: Sequence[int]) -> View:
    """After a transposed convolution: a value reads ceil(kernel / stride) values of its input."""
    if before.field is None:
        return before
    return View(
        field=_pair(
            field + (math.ceil(side / stride) - 1) * jump
            for field, side, stride, jump in zip(
                before.field, kernel, strides, before.jump, strict=True
            )
        ),
        jump=_pair(jump / stride for jump, stride in zip(before.jump, strides, strict=True)),
    )


def _widest(views: Sequence[View]) -> View:
    if not views:
        return View()
    fields = [view.field for view in views if view.field is not None]
    if len(fields) < len(views):
        return View(field=None)
    return View(
        field=_pair(max(sides) for sides in zip(*fields, strict=True)),
        jump=_pair(max(jumps) for jumps in zip(*(view.jump for view in views), strict=True)),
    )


def _pair(values: Any) -> tuple[Fraction, Fraction]:
    height, width = values
    return Fraction(height), Fraction(width)


def _channels_last(layer: Any) -> None:
    if layer.data_format != "channels_last":
        raise SightkitError(
            "sightkit is channels-last.",
            "Build the network with data_format='channels_last'.",
            layer=layer.name,
            data_format=layer.data_format,
        )
