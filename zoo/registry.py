"""Networks by name: listing, building, and remembering what a network was built from.

This file imports no Keras, so that names can be listed in a moment.
"""

from __future__ import annotations

import difflib
import functools
import hashlib
import importlib
import importlib.util
import inspect
import json
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from sightkit._errors import SightkitError
from sightkit.zoo.arguments import class_count, image_shape
from sightkit.zoo.book_calls import in_todays_form
from sightkit.zoo.table import ENTRIES, Entry

if TYPE_CHECKING:
    import keras

Builder = TypeVar("Builder", bound=Callable[..., Any])


def index_entries(entries: tuple[Entry, ...]) -> dict[str, Entry]:
    """Entries by name; a name given twice raises."""
    index: dict[str, Entry] = {}
    for each in entries:
        if each.name in index:
            raise SightkitError("Each name occurs once in the zoo.", name=each.name)
        index[each.name] = each
    return index


POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}
_ENTRIES = index_entries(ENTRIES)
BUILDERS = {each.builder: each.module for each in ENTRIES}
_ORIGINS: weakref.WeakKeyDictionary[Any, dict[str, Any]] = weakref.WeakKeyDictionary()


def names(kind: str | None = None) -> list[str]:
    """Names of the zoo's own networks, sorted; of one kind, or all.

    ``build`` knows those that apps have registered, too.
    """
    return sorted(each.name for each in ENTRIES if kind in (None, each.kind))


def entry(name: str) -> Entry:
    """The entry of a name.

    Raises:
        SightkitError: no such name; the nearest ones are listed.
    """
    if not isinstance(name, str):
        builder = getattr(name, "__name__", "")
        raise SightkitError(
            "A network is named by a string.",
            f"Write {_call(builder)}; a name is for build."
            if builder in BUILDERS
            else 'Write, for example, zoo.build("lenet", input_shape=(28, 28, 1), classes=10).',
            name=builder or name,
        )
    if name not in _ENTRIES:
        near = difflib.get_close_matches(name, _ENTRIES, n=3, cutoff=0.4)
        hint = f"Perhaps you meant {' or '.join(near)}." if near else ""
        raise SightkitError(
            "The name must be one of the zoo's networks.",
            hint or f"Known: {', '.join(names())}.",
            name=name,
        )
    return _ENTRIES[name]


def published_arguments(
    name: str, input_shape: Sequence[int] | None = None, classes: int | None = None
) -> dict[str, Any]:
    """Arguments that ``build`` makes the published network of; shape and classes may be others.

    Raises:
        SightkitError: an unknown name, a shape or number of classes that no network takes, or
            classes for a network that has none. Nothing has imported Keras then.
    """
    found = entry(name)
    arguments = dict(found.published[0][0])
    if input_shape is not None:
        argument = "output_shape" if "output_shape" in arguments else "input_shape"
        features = found.kind == "head"
        arguments[argument] = image_shape(input_shape, features=features, argument=argument)
    if classes is not None:
        if "classes" not in arguments:
            raise SightkitError(f"{name} has no classes.", "Leave classes out.", classes=classes)
        arguments["classes"] = class_count(classes)
    return arguments


def build(name: str, /, *, precision: str | None = None, **arguments: Any) -> keras.Model:
    """Build a network by name: ``build("lenet", input_shape=(28, 28, 1), classes=10)``.

    Args:
        name: one of ``names()``.
        precision: what it computes in, ``"float32"`` or ``"bfloat16"``; what Keras is set to when
            left out.
        **arguments: of the builder.
    """
    arguments = {**entry(name).variant, **arguments}
    if precision is None:
        return builder_of(name)(**arguments)
    policy = policy_of(precision)
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        return builder_of(name)(**arguments)
    finally:
        keras.config.set_dtype_policy(before)


def policy_of(precision: str) -> str:
    """Keras' name of a precision: ``"bfloat16"`` is bfloat16 arithmetic on float32 weights."""
    if precision not in POLICIES:
        raise SightkitError(f"A network computes in {' or '.join(POLICIES)}.", precision=precision)
    return POLICIES[precision]


def code_sha256(builder: str = "") -> str:
    """Return the hash of the builders' code: what was made by other code may be of another network.

    With the name of a builder outside of ``zoo/`` its own file counts too. It is not imported.
    """
    paths = sorted(Path(__file__).parent.glob("*.py"))
    module = entry(builder).module if builder else ""
    if "." in module and (spec := importlib.util.find_spec(module)) and spec.origin:
        paths.append(Path(spec.origin))
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def builder_of(name: str) -> Callable[..., keras.Model]:
    """The builder behind a name; its module is imported now, and only from ``sightkit``."""
    found = entry(name)
    module = found.module if "." in found.module else f"sightkit.zoo.{found.module}"
    return getattr(importlib.import_module(module), found.builder)


def register(*entries: Entry) -> None:
    """Add entries of builders outside ``zoo/``, as apps do; nothing is imported yet.

    Raises:
        SightkitError: a name is taken, or the module is not one of sightkit's.
    """
    for each in entries:
        if not each.module.startswith("sightkit."):
            raise SightkitError(
                "A builder must live in a module of sightkit: names come from files, and a file "
                "must not choose what is imported.",
                module=each.module,
            )
    _ENTRIES.update(index_entries((*_ENTRIES.values(), *entries)))


def origin(model: keras.Model) -> dict[str, Any]:
    """Return what a network was built from: ``{"builder": name, "arguments": {...}}``, as JSON.

    ``build(origin["builder"], **origin["arguments"])`` builds it again.

    Returns:
        That, or ``{"keras": description}`` for a network that ``rebuild`` made of one.

    Raises:
        SightkitError: the model was not built by the zoo.
    """
    if model not in _ORIGINS:
        raise SightkitError(
            "The network must come from a builder of the zoo.",
            "Build it with zoo.build; any other Keras network is saved by training.save_bundle, "
            "and loaded as one that is known.",
            model=getattr(model, "name", model),
        )
    return _ORIGINS[model]


def has_origin(model: keras.Model) -> bool:
    """Return whether the zoo knows what a network was built from."""
    return model in _ORIGINS


def remember(model: keras.Model, origin: Mapping[str, Any]) -> None:
    """Record what a network was built from."""
    _ORIGINS[model] = dict(origin)


def registered(builder: Builder) -> Builder:
    """Decorate a builder: each network remembers the arguments that it was built from."""
    signature = inspect.signature(builder)

    @functools.wraps(builder)
    def remembering(*args: Any, **kwargs: Any) -> Any:
        try:
            bound = signature.bind(*map(_plain, args), **_plain(kwargs))
        except TypeError as error:
            raise answer(
                f"{builder.__name__} cannot be built: {error}.",
                args,
                kwargs,
                _parameters(signature),
            ) from error
        model = builder(*bound.args, **bound.kwargs)
        bound.apply_defaults()
        arguments = _as_json(bound.arguments)
        _ORIGINS[model] = {"builder": _name_of(builder.__name__, arguments), "arguments": arguments}
        return model

    def answer(
        rule: str, args: tuple[Any, ...], kwargs: dict[str, Any], takes: str = ""
    ) -> SightkitError:
        args, kwargs = _plain(args), _plain(kwargs)
        published = _published(builder.__name__)
        step = in_todays_form(builder.__name__, signature.parameters, args, kwargs, published)
        given = [repr(value) for value in args] + [f"{k}={v!r}" for k, v in kwargs.items()]
        takes = f" It takes {takes}." if takes else ""
        return SightkitError(rule, step + takes, arguments=f"({', '.join(given)})")

    def refuse(*args: Any, **kwargs: Any) -> Any:
        rule = f"{builder.__name__} is a function, and builds when it is called: it has no build."
        raise answer(rule, args, kwargs)

    remembering.build = refuse  # type: ignore[attr-defined]  # as many books write it
    return remembering  # type: ignore[return-value]


def _published(builder: str) -> Mapping[str, Any]:
    """Return the arguments of a builder's first published network."""
    published = next(each.published for each in _ENTRIES.values() if each.builder == builder)
    return published[0][0] if published else {}


def _call(builder: str) -> str:
    """Return a builder's call as one writes it: ``LeNet(input_shape=(28, 28, 1), classes=10)``."""
    arguments = _published(builder).items()
    return f"{builder}({', '.join(f'{name}={value!r}' for name, value in arguments)})"


def _parameters(signature: inspect.Signature) -> str:
    """The parameters of a builder without their annotations."""
    return ", ".join(
        name if parameter.default is parameter.empty else f"{name}={parameter.default!r}"
        for name, parameter in signature.parameters.items()
    )


def _name_of(builder: str, arguments: Mapping[str, Any]) -> str:
    """The builder's entry whose variant is nearest to the arguments; among equals the first.

    ``arguments`` is complete, so that every entry of the builder gives this network; the name is
    for readers.
    """

    def nearness(each: Entry) -> int:
        variant = _as_json(each.variant)
        return sum(1 if arguments[key] == value else -1 for key, value in variant.items())

    entries = [each for each in _ENTRIES.values() if each.builder == builder]
    if not entries:
        raise SightkitError(
            "A registered builder needs an entry in the table of networks.",
            "Add one to zoo/table.py, with its published count.",
            builder=builder,
        )
    return max(entries, key=nearness).name


def _plain(value: Any) -> Any:
    """Python's numbers and lists for NumPy's, so that builders and JSON know them."""
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map(_plain, value))
    return value.tolist() if hasattr(value, "tolist") else value


def _as_json(value: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments as JSON has them, lists for tuples and dicts for mappings."""
    return json.loads(json.dumps(dict(value), default=_mapping_or_list))


def _mapping_or_list(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else list(value)
