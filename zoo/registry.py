"""The table of networks: a row a name, and what contract tests need to try each of them.

This file imports no Keras, so that names can be listed in a moment. Parameter counts are those of
the published network (paper, book or reference implementation) and are asserted by the tests.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import inspect
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from sightkit._errors import SightkitError

if TYPE_CHECKING:
    import keras

Builder = TypeVar("Builder", bound=Callable[..., Any])


@dataclass(frozen=True)
class Row:
    """One name of the zoo.

    Attributes:
        name: what ``build`` and bundles call it.
        module: file in ``zoo/`` that holds the builder.
        builder: the builder's name, CamelCase.
        kind: what the network is for: ``classifier``, ``generator``, ``segmenter``, …
        variant: arguments that make this row out of the builder.
        sample: the smallest arguments that contract tests build it with.
        published: pairs (arguments, parameter count) from the source.
    """

    name: str
    module: str
    builder: str
    kind: str
    sample: Mapping[str, Any]
    published: tuple[tuple[Mapping[str, Any], int], ...]
    variant: Mapping[str, Any] = field(default_factory=dict)


def _shape(input_shape: tuple[int, int, int], classes: int) -> dict[str, Any]:
    return {"input_shape": input_shape, "classes": classes}


ROWS = (
    Row(
        "lenet",
        module="lenet",
        builder="LeNet",
        kind="classifier",
        sample=_shape((8, 8, 1), 3),
        published=(
            (_shape((28, 28, 1), 10), 1_256_080),
            (_shape((28, 28, 1), 9), 1_255_579),
            (_shape((28, 28, 1), 2), 1_252_072),
        ),
    ),
)


def index_rows(rows: tuple[Row, ...]) -> dict[str, Row]:
    """Rows by name; a name given twice raises."""
    index: dict[str, Row] = {}
    for entry in rows:
        if entry.name in index:
            raise SightkitError("Each name stands once in the zoo.", name=entry.name)
        index[entry.name] = entry
    return index


_ROWS = index_rows(ROWS)
BUILDERS = {entry.builder: entry.module for entry in ROWS}
_ORIGINS: weakref.WeakKeyDictionary[Any, dict[str, Any]] = weakref.WeakKeyDictionary()


def names(kind: str | None = None) -> list[str]:
    """Names that ``build`` knows, sorted; of one kind, or all."""
    return sorted(name for name, entry in _ROWS.items() if kind in (None, entry.kind))


def row(name: str) -> Row:
    """The row of a name.

    Raises:
        SightkitError: no such name; the nearest ones are listed.
    """
    if name not in _ROWS:
        near = difflib.get_close_matches(name, _ROWS, n=3, cutoff=0.4)
        hint = f"Perhaps you meant {' or '.join(near)}." if near else ""
        raise SightkitError(
            "The name must be one that zoo.names() lists.", hint or f"Known: {names()}.", name=name
        )
    return _ROWS[name]


def build(name: str, /, **arguments: Any) -> keras.Model:
    """Build a network by name: ``build("lenet", input_shape=(28, 28, 1), classes=10)``."""
    entry = row(name)
    builder = getattr(importlib.import_module(f"sightkit.zoo.{entry.module}"), entry.builder)
    try:
        inspect.signature(builder).bind(**{**entry.variant, **arguments})
    except TypeError as error:
        raise SightkitError(
            f"{name} cannot be built: {error}.",
            f"It takes {inspect.signature(builder)}.",
            arguments=arguments,
        ) from error
    return builder(**{**entry.variant, **arguments})


def origin(model: keras.Model) -> dict[str, Any]:
    """What a network was built from: ``{"builder": name, "arguments": {...}}``, ready for JSON.

    ``build(origin["builder"], **origin["arguments"])`` builds it again.

    Raises:
        SightkitError: the model was not built by the zoo.
    """
    if model not in _ORIGINS:
        raise SightkitError(
            "The network must come from a builder of the zoo.",
            "Build it with zoo.build, or add a row to zoo/registry.py.",
            model=getattr(model, "name", model),
        )
    return _ORIGINS[model]


def registered(builder: Builder) -> Builder:
    """Decorate a builder: each network remembers the arguments that it was built from."""
    signature = inspect.signature(builder)

    @functools.wraps(builder)
    def remembering(*args: Any, **kwargs: Any) -> Any:
        model = builder(*args, **kwargs)
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        name = next(entry.name for entry in ROWS if entry.builder == builder.__name__)
        _ORIGINS[model] = {"builder": name, "arguments": _as_json(bound.arguments)}
        return model

    return remembering  # type: ignore[return-value]


def _as_json(value: Any) -> Any:
    """Tuples to lists and mappings to dicts, so that arguments survive JSON unchanged."""
    if isinstance(value, Mapping):
        return {str(key): _as_json(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_as_json(entry) for entry in value]
    return value
