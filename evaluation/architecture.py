"""A network as a picture: a box a layer, drawn without any system package."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path as Line

from sightkit import _files, zoo
from sightkit._errors import SightkitError
from sightkit.evaluation.text import legible

WIDTH, HEIGHT = 3.3, 0.82
COLUMN, ROW = 3.75, 1.12
LANE, MARGIN = 0.2, 0.4
FORMATS = ("png", "svg", "pdf")
LARGEST_PIXELS = 60_000
"""Largest side of a PNG; the renderer ends at 65,536."""
# What only changes values is written into the box of the layer before it.
FOLDED = set("Activation BatchNormalization Dropout ELU LeakyReLU PReLU ReLU Softmax".split())
SHORT = {"BatchNormalization": "BN", "InputLayer": "Input"}
COLOURS = {
    "Pool": "#dafbe1",  # before Conv: a pooling is no convolution, whatever its name holds
    "Conv": "#ddf4ff",
    "Dense": "#fff1e5",
    "Add": "#fbefff",
    "Concatenate": "#fbefff",
    "Multiply": "#fbefff",
}
OTHER_COLOUR, EDGE = "#f6f8fa", "#57606a"


Shape = tuple[int | None, ...]
"""Of a tensor, without the batch."""


@dataclass
class Box:
    """One box of the picture: a layer and what was folded into it."""

    name: str
    kinds: list[str]
    inputs: list[Shape]
    shape: Shape
    parameters: int
    parents: list[Box]
    row: int = 0
    x: float = 0.0


def draw_architecture(
    model: keras.Model, paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
) -> None:
    """Draw a functional network from top to bottom.

    A box holds name, kind, parameters, and the shapes of inputs and output, whose batch is N.
    Activations, normalizations and dropout that nothing else reads are written into the box before
    them.

    Args:
        model: built by the zoo, or any functional Keras model.
        paths: file or files to write, ``.png``, ``.svg`` or ``.pdf``.

    Raises:
        SightkitError: another ending, or a subclassed network.
    """
    if isinstance(paths, str | os.PathLike):
        paths = [paths]
    endings = [os.path.splitext(path)[1].lower().lstrip(".") for path in paths]
    if unknown := sorted(set(endings) - set(FORMATS)):
        raise SightkitError(f"Pictures are drawn as {', '.join(FORMATS)}.", endings=unknown)
    if isinstance(model, keras.Sequential) and model.built:
        model = keras.Model(model.inputs, model.outputs)  # which has its input among its layers
    boxes = _boxes(model)
    routes = _routes(boxes)
    height = (1 + max(box.row for box in boxes)) * ROW + 2 * MARGIN
    left = min(box.x for box in boxes) - WIDTH / 2 - MARGIN
    sides = [box.x + WIDTH / 2 for box in boxes] + [max(xs) for xs, _ in routes]
    right = max(sides) + MARGIN
    figure = Figure(figsize=(right - left, height))
    axes = figure.add_axes((0, 0, 1, 1))
    top = ROW / 2 + 1.5 * MARGIN
    axes.set(xlim=(left, right), ylim=(top - height, top))
    axes.axis("off")
    title = f"{legible(model.name, 'network', 40)}: {model.count_params():,} parameters"
    axes.text(0, ROW / 2 + 0.25, title, ha="center", fontsize=13, weight="bold", parse_math=False)
    style = {"arrowstyle": "-|>", "mutation_scale": 8, "linewidth": 0.9, "color": EDGE, "zorder": 2}
    for xs, ys in routes:
        line = Line(list(zip(xs, ys, strict=True)))
        axes.add_patch(FancyArrowPatch(path=line, joinstyle="round", **style))
    for box in boxes:
        _draw_box(axes, box)
    dpi = min(110, LARGEST_PIXELS / max(right - left, height))
    for path, ending in zip(paths, endings, strict=True):
        with _files.replacing(path) as temporary:
            figure.savefig(temporary, format=ending, dpi=dpi)


def _boxes(model: keras.Model) -> list[Box]:
    """Boxes in their places, parents before children."""
    rows = zoo.describe(model)
    # Of a network inside only its place in this one counts.
    nodes = {id(node) for level in model._nodes_by_depth.values() for node in level}
    parents = {layer.name: _parents(layer, nodes) for layer in model.layers}
    readers = Counter(name for names in parents.values() for name in names)
    boxes: dict[str, Box] = {}
    for layer, row in zip(model.layers, rows, strict=True):
        above = [boxes[name] for name in parents[layer.name]]
        folded = row.kind in FOLDED and above and readers[parents[layer.name][0]] == 1
        if folded and above[0].parents:  # nothing is folded into the input
            boxes[layer.name] = above[0]
            above[0].kinds.append(_kind(layer, row.kind))
            above[0].parameters += row.parameters
        else:
            kinds = [_kind(layer, row.kind)]
            inputs = [box.shape for box in above]
            boxes[layer.name] = Box(
                row.name, kinds, inputs, row.output_shape, row.parameters, above
            )
    found = list({id(box): box for box in boxes.values()}.values())
    _arrange(found)
    return found


def _parents(layer: keras.layers.Layer, nodes: set[int]) -> list[str]:
    calls = [node for node in layer._inbound_nodes if id(node) in nodes]
    tensors = [tensor for node in calls for tensor in node.input_tensors]
    return [tensor._keras_history.operation.name for tensor in tensors]


def _kind(layer: Any, kind: str) -> str:
    """The class of a layer, with the sizes that its paper's table would give."""
    activation = getattr(getattr(layer, "activation", None), "__name__", "linear")
    if kind == "Activation":
        return activation
    kind = SHORT.get(kind, kind)
    if window := getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None):
        kind += f" {'x'.join(map(str, window))}"
    strides = getattr(layer, "strides", (1, 1))
    if isinstance(strides, tuple) and max(strides) > 1:
        kind += f" /{strides[0]}"
    return kind if activation == "linear" else f"{kind} + {activation}"


def _arrange(boxes: Sequence[Box]) -> None:
    """A row below all parents; within a row from left to right in the order of the parents."""
    rows: dict[int, list[Box]] = {}
    for box in boxes:
        box.row = 1 + max((parent.row for parent in box.parents), default=-1)
        rows.setdefault(box.row, []).append(box)
    for _, members in sorted(rows.items()):
        for box in members:
            box.x = sum(parent.x for parent in box.parents) / max(len(box.parents), 1)
        left = sum(box.x for box in members) / len(members) - COLUMN * (len(members) - 1) / 2
        # Stable: siblings stay in the network's order.
        for place, box in enumerate(sorted(members, key=lambda box: box.x)):
            box.x = left + place * COLUMN


def _routes(boxes: Sequence[Box]) -> list[tuple[list[float], list[float]]]:
    """Lines of all edges, (xs, ys): straight; around boxes in the way, each in a lane of its own.

    Short detours run inside longer ones.
    """
    taken: list[tuple[Box, Box, float]] = []
    routes = []
    edges = [(parent, child) for child in boxes for parent in child.parents]
    for parent, child in sorted(edges, key=lambda edge: edge[1].row - edge[0].row):
        start, end = -parent.row * ROW - HEIGHT / 2, -child.row * ROW + HEIGHT / 2
        slope = (child.x - parent.x) / (end - start)
        blocking = [
            box.x
            for box in boxes
            if parent.row < box.row < child.row
            and abs(parent.x + slope * (-box.row * ROW - start) - box.x) < WIDTH / 2 + 0.1
        ]
        if not blocking:
            routes.append(([parent.x, child.x], [start, end]))
            continue
        side = max(max(blocking) + WIDTH / 2 + LANE, parent.x, child.x)
        while any(
            first.row < child.row and parent.row < last.row and abs(side - other) < 0.9 * LANE
            for first, last, other in taken
        ):
            side += LANE
        taken.append((parent, child, side))
        bend = (ROW - HEIGHT) / 2
        ys = [start, start - bend, end + bend, end]
        routes.append(([parent.x, side, side, child.x], ys))
    return routes


def _draw_box(axes: Axes, box: Box) -> None:
    left, y, pad = box.x - WIDTH / 2, -box.row * ROW, 0.1
    colour = next((c for word, c in COLOURS.items() if word in box.kinds[0]), OTHER_COLOUR)
    patch = FancyBboxPatch(
        (left, y - HEIGHT / 2),
        WIDTH,
        HEIGHT,
        boxstyle="round,pad=0,rounding_size=0.08",
        facecolor=colour,
        edgecolor=EDGE,
        linewidth=0.8,
        zorder=3,
    )
    axes.add_patch(patch)
    parameters = f"{box.parameters:,} parameters" if box.parameters else ""
    kinds, room = " + ".join(box.kinds), 52
    kinds = kinds if len(kinds) <= room else f"{kinds[: room - 1]}…"
    name = legible(box.name, "(layer)", 27)
    style = {"va": "center", "zorder": 4, "parse_math": False}
    quiet = {"fontsize": 7, "color": "#424a53", **style}
    axes.text(left + pad, y + 0.24, name, ha="left", fontsize=8.5, weight="bold", **style)
    axes.text(left + WIDTH - pad, y + 0.24, parameters, ha="right", **quiet)
    axes.text(left + pad, y, kinds, ha="left", **quiet)
    axes.text(left + pad, y - 0.24, _shapes(box), ha="left", fontsize=8, **style)


def _shapes(box: Box) -> str:
    """Return ``"Nx32x32x3 → Nx16x16x32"``; of many inputs the first."""
    output = _written(box.shape)
    if not box.inputs:
        return output
    first, *others = map(_written, box.inputs)
    if len(others) > 1:
        others = [f"{len(others)} more"]
    return f"{' + '.join([first, *others])} → {output}"


def _written(shape: Shape) -> str:
    return "x".join(["N", *("?" if size is None else str(size) for size in shape)])
