"""The patch of the picture that each place of a layer's map sees, in networks of any nesting."""

from __future__ import annotations

import math
from typing import Any

import keras

from sightkit._errors import SightkitError
from sightkit.apps.explain.layer_calls import LayerCall
from sightkit.zoo.receptive_field import View, view_after

Box = tuple[int, int, int, int]
"""Rows and columns of a patch: top, bottom, left, right."""


def patch_of(
    view: View | None, call: LayerCall, place: tuple[int, int], size: tuple[int, int]
) -> Box:
    """Return the patch that a place of a layer's map sees, cut off at the picture's border.

    The middles of all places lie evenly about the picture's middle. Padding on one side alone (a
    network with stride 2 on an even size) moves them by half a step at most.

    Args:
        view: of ``view_of``; None for the whole picture.
        call: of the layer, whose output is (N, H, W, C).
        place: row and column on the map.
        size: height and width of the picture.
    """
    if view is None or view.field is None:
        return 0, size[0], 0, size[1]
    found = []
    for axis in (0, 1):
        field, jump = float(view.field[axis]), float(view.jump[axis])
        middle = size[axis] / 2 + (place[axis] - (call.shape[1 + axis] - 1) / 2) * jump
        start = min(max(0, round(middle - field / 2)), size[axis] - 1)
        found += [start, min(size[axis], max(start + 1, round(middle + field / 2)))]
    return found[0], found[1], found[2], found[3]


def view_of(network: keras.Model, layer: keras.layers.Layer) -> View | None:
    """Return what one value of a layer's output sees; None where it cannot be told.

    It can in networks that are graphs, and in graphs inside of graphs.
    """
    try:
        return _views(network, View()).get(id(layer))
    except (AttributeError, KeyError, SightkitError, ValueError):
        return None


def _views(network: keras.Model, start: View) -> dict[int, View]:
    """Return the view of each layer, by its identity, given that of the network's input."""
    tensors: dict[int, View] = {}
    found: dict[int, View] = {}
    for layer in network.layers:
        if isinstance(layer, keras.layers.InputLayer):
            view = start
        else:
            known = [tensors[id(each)] for each in _list(layer.input) if id(each) in tensors]
            before = known or [start]  # a Sequential does not list its InputLayer
            if isinstance(layer, keras.Model):
                inside = _views(layer, _widest(before))
                found |= inside
                view = inside.get(id(layer.layers[-1])) or View(field=None)
            else:
                view = view_after(layer, before)
        found[id(layer)] = view
        tensors |= {id(each): view for each in _list(layer.output)}
    return found


def _widest(views: list[View]) -> View:
    def width(view: View) -> float:
        return math.inf if view.field is None else float(max(view.field))

    return max(views, key=width) if views else View()


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
