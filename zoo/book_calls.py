"""Calls of builders as the books write them, in today's form. No Keras here."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

BOOK_POSITIONS = ("width", "height", "depth", "classes")
"""Of ``LeNet.build(28, 28, 1, 10)``."""
MORE_POSITIONS = {
    "AlexNet": ("reg",),
    "DeeperGoogLeNet": ("reg",),
    "ResNet": ("stages", "filters", "reg", "epsilon", "momentum", "stem"),
}
TODAY = {
    "numChannels": "depth",
    "imgRows": "height",
    "imgCols": "width",
    "numClasses": "classes",
    "bnEps": "epsilon",
    "bnMom": "momentum",
    "dataset": "stem",
}
LONGEST = 60


def in_todays_form(
    builder: str,
    parameters: Mapping[str, inspect.Parameter],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    published: Mapping[str, Any],
) -> str:
    """Return the call with all arguments that have a counterpart, and the names of the others.

    Args:
        builder: its name.
        parameters: of it; the first is the shape.
        args: as they were given; likewise ``kwargs``.
        published: arguments of the published network, for those that were left out.

    Example:
        >>> in_todays_form("LeNet", …, (28, 28, 1, 10), {"weightsPath": None}, …)
        "Write LeNet(input_shape=(28, 28, 1), classes=10). Without a counterpart: weightsPath."
    """
    shape = next(iter(parameters))
    given = _by_name(builder, list(parameters), args)
    others = [repr(value) for value in args[len(given) :]]
    given |= {TODAY.get(name, name): value for name, value in kwargs.items()}
    sides = [given.pop(name, "…") for name in ("height", "width", "depth")]
    if any(side != "…" for side in sides):
        given[shape] = tuple(sides)
    others += [name for name in given if name not in parameters]
    wanted = {
        name: given.get(name, published.get(name, parameter.default))
        for name, parameter in parameters.items()
        if name in given or name == shape or parameter.default is parameter.empty
    }
    call = ", ".join(f"{name}={_as_written(value)}" for name, value in wanted.items())
    left = f" Without a counterpart: {', '.join(others)}." if others else ""
    return f"Write {builder}({call}).{left}"


def _by_name(builder: str, own: list[str], args: Sequence[Any]) -> dict[str, Any]:
    """Name what was given by position: the books' order, or ours where a shape comes first."""
    names = (*BOOK_POSITIONS, *MORE_POSITIONS.get(builder, ()))
    if args and hasattr(args[0], "__len__"):
        names = tuple(own)
    elif len(args) == 1:
        names = ("classes",)  # of networks for one data set
    return dict(zip(names, args, strict=False))


def _as_written(value: Any) -> str:
    if isinstance(value, tuple):
        inner = ", ".join(each if each == "…" else _as_written(each) for each in value)
        return f"({inner}{',' * (len(value) == 1)})"
    text = repr(value)
    return text if len(text) <= LONGEST and "\n" not in text else "…"
