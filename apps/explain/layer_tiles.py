"""What a layer is made of, and what it gives for a picture: filters and activations as tiles."""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from sightkit._errors import SightkitError
from sightkit.apps.explain.explainer import Explainer, Inputs
from sightkit.apps.explain.layer_calls import LayerCall
from sightkit.apps.explain.maximization import channel_of
from sightkit.apps.explain.tiles import Tile

MOST = 64
"""Tiles of a sheet."""
SLICES = 16
"""Of a filter over many channels: those of its strongest ones, four by four."""
GREY = 128
DEAD = 1e-3
"""Share of a layer's largest weight below which a filter is grey: it has died in training."""


def filter_tiles(
    explainer: Explainer,
    layer: str | None = None,
    *,
    channels: Sequence[int] = (),
    inputs: Inputs | None = None,
    most: int = MOST,
) -> list[Tile]:
    """Return the filters of a layer as pictures, the strongest first; grey is zero.

    Of a layer over colours they are in colour. Of one over many channels each shows the 16 channels
    that it weighs most; where it has no width (1x1, dense) its weights are laid out in a square.

    Args:
        explainer: of any network.
        layer: its name, or its path; by default the first that has filters.
        channels: filters to show; all by default.
        inputs: see ``maximize``.
        most: filters to show at most.

    Raises:
        SightkitError: no such layer, or one without filters.
    """
    inputs = explainer.blank() if inputs is None else inputs
    paths = [each.path for each in explainer.calls(inputs) if hasattr(each.layer, "kernel")]
    call = explainer.layer(inputs, layer or next(iter(paths), None))
    kernel = _kernel(call, paths)
    norms = np.sqrt((kernel**2).sum(axis=tuple(range(kernel.ndim - 1))))
    chosen = [channel_of(call, channel) for channel in channels] or np.argsort(-norms)[:most]
    least = DEAD * np.abs(kernel).max()
    return [
        Tile(_filter(kernel[..., each], least), (f"{each}", f"norm {norms[each]:.2g}"))
        for each in chosen
    ]


def activation_tiles(
    explainer: Explainer,
    inputs: Inputs,
    layer: str | None = None,
    *,
    channels: Sequence[int] = (),
    most: int = MOST,
) -> list[Tile]:
    """Return what a layer gives for one picture, a tile a channel, the strongest first.

    Each is coloured from its lowest (dark) to its highest value (bright); the line tells the
    highest. Of a layer without height and width all values are laid out in one square.

    Args:
        explainer: of any network.
        inputs: one picture.
        layer: its name, or its path; by default the last that computes a map.
        channels: to show; all by default.
        most: channels to show at most.
    """
    call = explainer.layer(inputs, layer)
    (maps,) = explainer.activations(inputs, [call.path])[call.path]
    if maps.ndim != 3:
        values = maps.ravel()
        best = np.argsort(-values)[:3]
        words = ", ".join(f"{each}: {values[each]:.2g}" for each in best)
        return [Tile(_coloured(_square(values)), (f"{len(values)} values", f"highest {words}"))]
    strength = np.abs(maps).mean(axis=(0, 1))
    chosen = [channel_of(call, channel) for channel in channels] or np.argsort(-strength)[:most]
    return [
        Tile(_coloured(maps[..., each]), (f"{each}", f"to {maps[..., each].max():.2g}"))
        for each in chosen
    ]


def _kernel(call: LayerCall, others: Sequence[str]) -> np.ndarray:
    """Return a layer's weights, (height, width, channels, filters), or (inputs, outputs).

    Args:
        call: of the layer.
        others: paths of layers with filters, for the message.
    """
    layer: Any = call.layer
    names = ("depthwise_kernel", "kernel")
    found = next((w for n in names if (w := getattr(layer, n, None)) is not None), None)
    if found is None or len(found.shape) not in (2, 4):
        near = difflib.get_close_matches(call.path, others, n=3, cutoff=0) or []
        raise SightkitError(
            "A layer with filters is a convolution or a dense layer.",
            f"The nearest are {', '.join(near)}." if near else "",
            layer=call.path,
            kind=type(layer).__name__,
        )
    kernel = np.asarray(found, np.float32)
    if kernel.ndim == 4 and kernel.shape[3] != call.shape[-1]:
        if "Transpose" in type(layer).__name__:
            return kernel.transpose(0, 1, 3, 2)
        return kernel.reshape(*kernel.shape[:2], 1, -1)  # depthwise: one channel each
    return kernel


def _filter(weights: np.ndarray, least: float) -> np.ndarray:
    """Return a filter, (height, width, channels) or (inputs,), as uint8.

    Black and white are its own largest weight, or ``least`` where that is more.
    """
    if weights.ndim == 1 or max(weights.shape[:2]) == 1:
        return _signed(_square(weights.ravel())[..., np.newaxis], least)
    if weights.shape[2] in (1, 3):
        return _signed(weights, least)
    strongest = np.argsort(-(weights**2).sum(axis=(0, 1)))[:SLICES]
    side = math.ceil(math.sqrt(len(strongest)))
    height, width = weights.shape[:2]
    sheet = np.full((side * (height + 1) - 1, side * (width + 1) - 1, 1), np.nan, np.float32)
    for place, channel in enumerate(strongest):
        row, column = divmod(place, side)
        top, left = row * (height + 1), column * (width + 1)
        sheet[top : top + height, left : left + width, 0] = weights[..., channel]
    return _signed(sheet, least)


def _signed(weights: np.ndarray, least: float) -> np.ndarray:
    """Return weights as uint8, 128 for 0; white where there is none."""
    largest = max(float(np.nanmax(np.abs(weights))), least, 1e-12)
    found = np.rint(GREY + 127 * weights / largest)
    return np.where(np.isnan(found), 255, found).astype(np.uint8)


def _square(values: np.ndarray) -> np.ndarray:
    """Return values row by row in a square, (side, side), with NaN behind the last."""
    side = math.ceil(math.sqrt(len(values)))
    found = np.full(side * side, np.nan, np.float32)
    found[: len(values)] = values
    return found.reshape(side, side)


def _coloured(values: np.ndarray) -> np.ndarray:
    """Return a map as uint8 (H, W, 3), from its lowest value to its highest."""
    from matplotlib import colormaps

    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    shares = (values - low) / max(high - low, 1e-12)
    colours = np.rint(255 * colormaps["magma"](np.nan_to_num(shares))[..., :3])
    colours[np.isnan(values)] = 255
    return colours.astype(np.uint8)
