"""A network as a picture: a box a layer, drawn without any system package."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import keras
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path as Curve

from sightkit import _files, zoo
from sightkit._errors import SightkitError
from sightkit.evaluation.text import legible

WIDTH, HEIGHT = 3.3, 0.62
COLUMN, ROW = 3.75, 0.92
LANE, MARGIN = 0.2, 0.4
FORMATS = ("png", "svg", "pdf")
LARGEST_PIXELS = 60_000
"""Of a side of a PNG; the renderer ends at 65,536."""
# What only changes values is written into the box of the layer before it.
FOLDED = (
    keras.layers.Activation,
    keras.layers.BatchNormalization,
    keras.layers.Dropout,
    keras.layers.ELU,
    keras.layers.LeakyReLU,
    keras.layers.PReLU,
    keras.layers.ReLU,
    keras.layers.Softmax,
)
SHORT = {"BatchNormalization": "BN", "InputLayer": "Input"}
COLOURS = (
    (("Conv", "Separable"), "#ddf4ff"),
    (("Dense",), "#fff1e5"),
    (("Pool",), "#dafbe1"),
    (("Add", "Concatenate", "Multiply"), "#fbefff"),
)
OTHER_COLOUR = "#f6f8fa"


@dataclass
class Box:
    """One box of the picture: a layer and what was folded into it."""

    name: str
    kinds: list[str]
    shape: tuple[int | None, ...]
    parameters: int
    parents: list[str]
    row: int = 0
    x: float = 0.0


def draw_architecture(model: keras.Model, paths: Sequence[str | os.PathLike[str]]) -> None:
    """Draw a functional network from top to bottom.

    A box holds name, kind, output shape without the batch, and parameters. Activations,
    normalizations and dropout that nothing else reads are written into the box before them.

    Args:
        model: built by the zoo, or any functional Keras model.
        paths: files to write, ``.png``, ``.svg`` or ``.pdf``.

    Raises:
        SightkitError: another ending.
    """
    endings = [os.path.splitext(path)[1].lower().lstrip(".") for path in paths]
    if unknown := sorted(set(endings) - set(FORMATS)):
        raise SightkitError(f"Pictures are drawn as {', '.join(FORMATS)}.", endings=unknown)
    boxes = _place(_boxes(model))
    rows = 1 + max(box.row for box in boxes.values())
    left = min(box.x for box in boxes.values()) - WIDTH / 2 - MARGIN
    sides = [box.x + WIDTH / 2 for box in boxes.values()] + [x for *_, x in _detours(boxes)]
    right = max(sides) + MARGIN
    size = (right - left, rows * ROW + 2 * MARGIN)
    figure = Figure(figsize=size)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(left, right)
    axes.set_ylim(-rows * ROW + ROW / 2 - MARGIN / 2, ROW / 2 + 1.5 * MARGIN)
    axes.axis("off")
    title = f"{legible(model.name, 'network', 40)}: {model.count_params():,} parameters"
    axes.text(0, ROW / 2 + 0.25, title, ha="center", fontsize=13, weight="bold", parse_math=False)
    _draw_edges(axes, boxes)
    for box in boxes.values():
        _draw_box(axes, box)
    for path, ending in zip(paths, endings, strict=True):
        with _files.replacing(path) as temporary:
            figure.savefig(temporary, format=ending, dpi=min(110, LARGEST_PIXELS / max(size)))


def _boxes(model: keras.Model) -> dict[str, Box]:
    """Boxes by name, parents before children."""
    inside: dict[str, str] = {}
    boxes: dict[str, Box] = {}
    readers: dict[str, int] = {}
    parents_of = {layer.name: _parents(layer) for layer in model.layers}
    for parents in parents_of.values():
        for parent in parents:
            readers[parent] = readers.get(parent, 0) + 1
    for layer, row in zip(model.layers, zoo.describe(model), strict=True):
        before = parents_of[layer.name]
        box = boxes[inside[before[0]]] if before else None
        if box and box.parents and isinstance(layer, FOLDED) and readers[before[0]] == 1:
            box.kinds.append(_kind(layer))
            box.parameters += row.parameters
            inside[layer.name] = box.name
            continue
        inside[layer.name] = row.name
        above = [inside[name] for name in before]
        boxes[row.name] = Box(row.name, [_kind(layer)], row.output_shape, row.parameters, above)
    return boxes


def _parents(layer: keras.layers.Layer) -> list[str]:
    if isinstance(layer, keras.layers.InputLayer):
        return []
    tensors = layer.input if isinstance(layer.input, (list, tuple)) else [layer.input]
    return [tensor._keras_history.operation.name for tensor in tensors]


def _kind(layer: keras.layers.Layer) -> str:
    """The class of a layer, with the sizes that its paper's table would give."""
    kind = SHORT.get(type(layer).__name__, type(layer).__name__)
    if isinstance(layer, keras.layers.Activation):
        return getattr(layer.activation, "__name__", kind)
    window = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
    if window:
        kind += f" {'x'.join(map(str, window))}"
    strides = getattr(layer, "strides", (1, 1))
    if isinstance(strides, tuple) and max(strides) > 1:
        kind += f" /{strides[0]}"
    activation = getattr(getattr(layer, "activation", None), "__name__", "linear")
    return kind if activation == "linear" else f"{kind} + {activation}"


def _place(boxes: dict[str, Box]) -> dict[str, Box]:
    """A row below all parents; within a row from left to right in the order of the parents."""
    rows: dict[int, list[Box]] = {}
    for box in boxes.values():
        box.row = 1 + max((boxes[name].row for name in box.parents), default=-1)
        rows.setdefault(box.row, []).append(box)
    for row in sorted(rows):
        members = rows[row]
        for box in members:
            above = [boxes[name] for name in box.parents]
            box.x = sum(parent.x for parent in above) / max(len(above), 1)
        centre = sum(box.x for box in members) / len(members)
        members.sort(key=lambda box: box.x)  # stable: siblings stay in the network's order
        for place, box in enumerate(members):
            box.x = centre + (place - (len(members) - 1) / 2) * COLUMN
    return boxes


def _draw_box(axes: Axes, box: Box) -> None:
    y = -box.row * ROW
    patch = FancyBboxPatch(
        (box.x - WIDTH / 2, y - HEIGHT / 2),
        WIDTH,
        HEIGHT,
        boxstyle="round,pad=0,rounding_size=0.08",
        facecolor=_colour(box),
        edgecolor="#57606a",
        linewidth=0.8,
        zorder=3,
    )
    axes.add_patch(patch)
    shape = "x".join("?" if size is None else str(size) for size in box.shape)
    words = f"{box.parameters:,} parameters" if box.parameters else ""
    kinds = " + ".join(box.kinds)
    left, right = box.x - WIDTH / 2 + 0.1, box.x + WIDTH / 2 - 0.1
    style = {"va": "center", "zorder": 4, "parse_math": False}
    name = legible(box.name, "(layer)", 27)
    axes.text(left, y + 0.13, name, ha="left", fontsize=8.5, weight="bold", **style)
    axes.text(right, y + 0.13, shape, ha="right", fontsize=8, **style)
    room = 52 - len(words)
    kinds = kinds if len(kinds) <= room else f"{kinds[: room - 1]}…"
    axes.text(left, y - 0.14, kinds, ha="left", fontsize=7, color="#424a53", **style)
    axes.text(right, y - 0.14, words, ha="right", fontsize=7, color="#424a53", **style)


def _colour(box: Box) -> str:
    for words, colour in COLOURS:
        if any(word in box.kinds[0] for word in words):
            # A pooling is no convolution, whatever its name holds.
            return "#dafbe1" if "Pool" in box.kinds[0] else colour
    return OTHER_COLOUR


def _draw_edges(axes: Axes, boxes: dict[str, Box]) -> None:
    """Straight arrows; where boxes are in the way, arrows around them, each in a lane."""
    for parent, child in _edges(boxes):
        if not _blocking(boxes, parent, child):
            start, end = _ends(parent, child)
            _draw_arrow(axes, Curve([start, end], [Curve.MOVETO, Curve.LINETO]))
    for parent, child, side in _detours(boxes):
        _draw_arrow(axes, _around(*_ends(parent, child), side))


def _edges(boxes: dict[str, Box]) -> list[tuple[Box, Box]]:
    return [(boxes[name], box) for box in boxes.values() for name in box.parents]


def _ends(parent: Box, child: Box) -> tuple[tuple[float, float], tuple[float, float]]:
    return (parent.x, -parent.row * ROW - HEIGHT / 2), (child.x, -child.row * ROW + HEIGHT / 2)


def _blocking(boxes: dict[str, Box], parent: Box, child: Box) -> list[Box]:
    """Boxes that the straight line between two others would cross."""
    start, end = _ends(parent, child)
    return [
        box
        for box in boxes.values()
        if parent.row < box.row < child.row and _meets(box, start, end)
    ]


def _detours(boxes: dict[str, Box]) -> list[tuple[Box, Box, float]]:
    """Edges that go around boxes, and the x at which they do: short ones inside longer ones."""
    taken: list[tuple[int, int, float]] = []
    detours = []
    blocked = [(p, c, _blocking(boxes, p, c)) for p, c in _edges(boxes)]
    for parent, child, inside in sorted(blocked, key=lambda edge: edge[1].row - edge[0].row):
        if not inside:
            continue
        side = max(max(box.x for box in inside) + WIDTH / 2 + LANE, parent.x, child.x)
        while any(
            first < child.row and parent.row < last and abs(side - other) < 0.9 * LANE
            for first, last, other in taken
        ):
            side += LANE
        taken.append((parent.row, child.row, side))
        detours.append((parent, child, side))
    return detours


def _around(start: tuple[float, float], end: tuple[float, float], side: float) -> Curve:
    bend = 0.5 * ROW
    points = [
        start,
        (start[0], start[1] - 0.4 * bend),
        (side, start[1] - 0.1 * bend),
        (side, start[1] - bend),
        (side, end[1] + bend),
        (side, end[1] + 0.1 * bend),
        (end[0], end[1] + 0.6 * bend),
        end,
    ]
    codes = [Curve.MOVETO, *[Curve.CURVE4] * 3, Curve.LINETO, *[Curve.CURVE4] * 3]
    return Curve(points, codes)


def _draw_arrow(axes: Axes, curve: Curve) -> None:
    arrow = FancyArrowPatch(
        path=curve, arrowstyle="-|>", mutation_scale=8, linewidth=0.9, color="#57606a", zorder=2
    )
    axes.add_patch(arrow)


def _meets(box: Box, start: tuple[float, float], end: tuple[float, float]) -> bool:
    """Whether the straight line between two points goes through a box's row inside the box."""
    share = (-box.row * ROW - start[1]) / (end[1] - start[1])
    return abs(start[0] + share * (end[0] - start[0]) - box.x) < WIDTH / 2 + 0.1
