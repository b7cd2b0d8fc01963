"""Describe a network layer by layer: shapes, parameters, work, receptive field."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
from keras import layers

from sightkit._display import MOST_ROWS, in_notebook, line
from sightkit._errors import SightkitError
from sightkit._tables import html_table
from sightkit.zoo.receptive_field import View, lost_pixels, view_after

Shape = tuple[int | None, ...]
HEAD = ("layer", "kind", "output", "parameters", "multiply-adds", "sees")


@dataclass(frozen=True)
class LayerRow:
    """One layer of a network.

    Attributes:
        name: of the layer.
        kind: class of the layer.
        output_shape: without the batch.
        parameters: trained or not.
        multiply_adds: of one image; additions alone (poolings, normalizations) are not counted.
        receptive_field: (height, width), in pixels of the input, that one output value sees; None
            where it sees everything (dense layers, global pooling).
        warning: that (W - F + 2P) / S + 1 is no integer, else "".
    """

    name: str
    kind: str
    output_shape: Shape
    parameters: int
    multiply_adds: int
    receptive_field: tuple[int, int] | None
    warning: str


class Description(list[LayerRow]):
    """The rows of a network; ``print`` shows them as a table.

    Example:
        >>> from sightkit import zoo
        >>> zoo.describe(zoo.LeNet((28, 28, 1), 10)).parameters
        1256080
    """

    @property
    def parameters(self) -> int:
        """Parameters of the network, shared layers once."""
        return sum(row.parameters for row in self)

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of one image."""
        return sum(row.multiply_adds for row in self)

    @property
    def warnings(self) -> list[str]:
        """All warnings, each with its layer's name."""
        return [f"{row.name}: {row.warning}" for row in self if row.warning]

    @in_notebook
    def _repr_html_(self) -> Iterator[str]:
        """The same as a table of a notebook, which leaves out the middle of a long one."""
        rows: Sequence[LayerRow | None] = self
        if len(self) > MOST_ROWS:
            half = MOST_ROWS // 2
            rows = [*self[:half], None, *self[-half:]]
        gap = (f"… {len(self) - MOST_ROWS:,} more", "print() shows all", "", "", "", "")
        cells = [gap if row is None else _cells(row) for row in rows]
        yield html_table(
            [dict(zip(HEAD, row, strict=True)) for row in (*cells, self._total)], words=3
        )
        for text in self.warnings[:MOST_ROWS]:
            yield line(f"Warning: {text}")

    @property
    def _total(self) -> tuple[str, ...]:
        return ("total", "", "", f"{self.parameters:,}", f"{self.multiply_adds:,}", "")

    def __str__(self) -> str:
        """The table, its totals and its warnings."""
        cells = [HEAD, *(_cells(row) for row in self)]
        widths = [max(map(len, column)) for column in zip(*cells, self._total, strict=True)]
        lines = [_line(row, widths) for row in cells]
        rule = "-" * len(lines[0])
        table = [lines[0], rule, *lines[1:], rule, _line(self._total, widths)]
        return "\n".join([*table, *(f"warning: {text}" for text in self.warnings)])


def describe(model: keras.Model) -> Description:
    """Describe every layer of a functional network.

    Args:
        model: built, functional; networks inside it are described as one layer each.

    Returns:
        A list of ``LayerRow`` in the order of ``model.layers``; its text form is a table.

    Raises:
        SightkitError: no network, a subclassed one, or a convolution or pooling that is not
            two-dimensional channels-last.

    Example:
        >>> from sightkit import zoo
        >>> zoo.describe(zoo.MiniGoogLeNet((32, 32, 3), 10)).warnings[0]
        'down1_3x3: (32 - 3 + 0)/2 + 1 = 15.5 is no integer: 1 row and 1 column are not read'
    """
    if not isinstance(model, keras.Model):
        name = f'"{model}"' if isinstance(model, str) else '"lenet"'
        raise SightkitError(
            "A network is described once it is built; this is none.",
            f"Write zoo.describe(zoo.build({name}, …)).",
            model=getattr(model, "__name__", model),
        )
    if not getattr(model, "inputs", None):
        raise SightkitError(
            "A functional or sequential network is described, once it has seen its input: the "
            "layers of another have no inputs of their own.",
            "network.summary() lists its layers.",
            model=model.name,
        )
    views: dict[int, View] = {}
    padded: dict[int, tuple[int, int]] = {}
    rows = Description()
    for layer in model.layers:
        before = [] if isinstance(layer, layers.InputLayer) else _tensors(layer.input)
        view = view_after(layer, [views[id(tensor)] for tensor in before if id(tensor) in views])
        views.update((id(tensor), view) for tensor in _tensors(layer.output))
        if isinstance(layer, layers.ZeroPadding2D):
            padded[id(layer.output)] = (sum(layer.padding[0]), sum(layer.padding[1]))
        padding = padded.get(id(before[0]), (0, 0)) if before else (0, 0)
        field = None if view.field is None else (math.ceil(view.field[0]), math.ceil(view.field[1]))
        row = LayerRow(
            name=layer.name,
            kind=type(layer).__name__,
            output_shape=_shape(layer.output),
            parameters=layer.count_params(),
            multiply_adds=_multiply_adds(layer),
            receptive_field=field,
            warning=lost_pixels(layer, padding),
        )
        rows.append(row)
    return rows


def _multiply_adds(layer: Any) -> int:
    """Products that one image costs in a layer with a kernel; 0 in all others."""
    if isinstance(layer, keras.Model):
        return describe(layer).multiply_adds
    if isinstance(layer, layers.SeparableConv2D):
        places = math.prod(_shape(layer.output)[:2])
        return places * (_size(layer.depthwise_kernel) + _size(layer.pointwise_kernel))
    if isinstance(layer, layers.Conv2DTranspose):
        return math.prod(_shape(layer.input)[:2]) * _size(layer.kernel)
    if isinstance(layer, (layers.Conv2D, layers.DepthwiseConv2D)):
        return math.prod(_shape(layer.output)[:2]) * _size(layer.kernel)
    if isinstance(layer, layers.Dense):
        return math.prod(_shape(layer.output)[:-1]) * _size(layer.kernel)
    return 0


def _size(weight: Any) -> int:
    return math.prod(weight.shape)


def _tensors(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _shape(value: Any) -> Any:
    """Shape without the batch; of several tensors, the first's."""
    return tuple(_tensors(value)[0].shape[1:])


def _cells(row: LayerRow) -> tuple[str, ...]:
    side = "all" if row.receptive_field is None else "x".join(map(str, row.receptive_field))
    shape = "x".join("?" if size is None else str(size) for size in row.output_shape)
    parameters, products = f"{row.parameters:,}", f"{row.multiply_adds:,}"
    return (row.name, row.kind, shape, parameters, products, side)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Words to the left, numbers to the right."""
    parts = [
        cell.rjust(width) if place >= 3 else cell.ljust(width)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join(parts).rstrip()
