"""Spaces of a search: optuna's distributions, by name of a ``Config``'s field."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import re
import typing
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sightkit._errors import SightkitError

try:
    import optuna
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
        distribution_to_json,
    )
except ImportError as error:
    raise SightkitError(
        f"A search needs optuna ({error}).", "Install the extra: pip install 'sightkit[search]'."
    ) from error

optuna.logging.set_verbosity(optuna.logging.WARNING)

FACTOR = 100.0
"""The default space of a rate reaches that many times below and above the script's own value."""
BY_FACTOR = ("learning_rate", "reg", "weight_decay")
ARGUMENTS = "arguments"
"""Field of a ``Config`` with the arguments of the network's builder, ``NAME=VALUE``."""
COMMA = re.compile(r",(?![^\[\]]*\])")
"""Between two values; those within a list, ``[32,64]``, are its own."""
FIXED = {"epochs", "data", "output", "resume", "overwrite", "preflight"}
"""Flags that a search gives each of its trials."""
MARGIN = 0.1
"""Share of an interval on either side of the best values when it is narrowed."""

Dimension = CategoricalDistribution | FloatDistribution | IntDistribution
Space = dict[str, Dimension]


def default_space(config: Any) -> Space:
    """Return the space of a script's ``Config`` where none is requested.

    ``learning_rate``, ``reg`` and ``weight_decay``: a hundredth to a hundred times the value in
    ``config``, uniform in the logarithm; a value of 0 is left alone. ``batch_size``: half of it,
    itself, and its double. Everything else stays as it is.
    """
    values = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
    space: Space = {
        name: FloatDistribution(values[name] / FACTOR, values[name] * FACTOR, log=True)
        for name in BY_FACTOR
        if isinstance(values.get(name), float) and values[name] > 0
    }
    size = values["batch_size"]
    space["batch_size"] = CategoricalDistribution(sorted({max(1, size // 2), size, 2 * size}))
    return space


def parse_space(texts: Sequence[str], config: Any) -> Space:
    """Read dimensions as a command line gives them.

    Args:
        texts: ``"learning_rate=1e-4:1e-1:log"``, ``"optimizer=sgd,adam"``, ``"batch_size=32,64"``,
            ``"arguments.dropout=0.1:0.6"`` (an argument of the network's builder).
        config: whose fields are named; values become of their kinds.

    Raises:
        SightkitError: a text of another form, a field that does not exist or is no number, text or
            switch, an interval that is none.
    """
    space: Space = {}
    kinds = typing.get_type_hints(type(config))
    fields = {field.name for field in dataclasses.fields(config)} - FIXED
    for text in texts:
        name, _, values = text.partition("=")
        name = name.strip().replace("-", "_")
        field, _, argument = name.partition(".")
        if field not in fields or name in space or bool(argument) != (field == ARGUMENTS):
            raise SightkitError(
                "A dimension names a field of the experiment's Config, and each one once.",
                f"It has {', '.join(sorted(fields))}; arguments.dropout is one of the network.",
                space=text,
            )
        kind = _kind_of_argument(values) if argument else _kind_of(kinds[field])
        if kind is None:
            raise SightkitError("Only numbers, texts and switches can be searched for.", space=text)
        try:
            space[name] = _dimension(values, kind)
        except ValueError as error:
            raise SightkitError(
                "A dimension is name=low:high, name=low:high:log or name=a,b,c, with low below "
                "high, and above 0 in the logarithm.",
                "Give learning_rate=1e-4:1e-1:log, for example.",
                space=text,
            ) from error
    return space


def _kind_of(hint: Any) -> type | None:
    """Return int, float, str or bool: the kind of a field, also of one that may be None."""
    options = [each for each in typing.get_args(hint) if each is not type(None)] or [hint]
    kinds = {each if isinstance(each, type) else type(each) for each in options}
    return kinds.pop() if len(kinds) == 1 and kinds <= {int, float, str, bool} else None


def _kind_of_argument(values: str) -> type:
    """Return the kind of an argument's values: whole numbers, numbers, or texts."""
    parts = COMMA.split(values.removesuffix(":log").replace(":", ","))
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            for part in parts:
                kind(part)
            return kind
    return str


def _switch(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(text)
    return text == "true"


def _dimension(values: str, kind: type) -> Dimension:
    """Return what ``name=values`` describes; a ValueError where it describes nothing."""
    if ":" not in values and values:
        read = _switch if kind is bool else kind
        return CategoricalDistribution([read(part.strip()) for part in COMMA.split(values)])
    low, high, *scale = values.split(":")
    numeric = {int: IntDistribution, float: FloatDistribution}
    if kind not in numeric or scale not in ([], ["log"], ["linear"]):
        raise ValueError(values)
    low, high = kind(low), kind(high)
    if not -math.inf < low < high < math.inf:
        raise ValueError(values)
    return numeric[kind](low, high, log=scale == ["log"])


def unread(config: Any, values: Mapping[str, Any]) -> set[str]:
    """Return the flags that do not count with a trial's values: of a schedule it does not have."""
    found: set[str] = set()
    for choice, readers in config.choices.items():
        read = readers.get(values.get(choice, getattr(config, choice)), ())
        found |= {name for names in readers.values() for name in names} - {*read}
    return found


def with_values(config: Any, values: Mapping[str, Any], **fields: Any) -> Any:
    """Return a configuration with the values of a trial, and further fields.

    Flags that do not count with them have their defaults.

    Raises:
        SightkitError: a value that the ``Config`` refuses.
    """
    own = {name: value for name, value in values.items() if "." not in name}
    own |= {name: config.default_of(name) for name in unread(config, values) - values.keys()}
    given = [f"{name.partition('.')[2]}={value}" for name, value in values.items() if "." in name]
    if given:
        own[ARGUMENTS] = (*config.arguments, *given)
    return dataclasses.replace(config, **own, **fields)


def defaults(space: Space, config: Any) -> dict[str, Any]:
    """Return the values that ``config`` has, of those dimensions that hold them."""
    values = {name: getattr(config, name) for name in space if hasattr(config, name)}
    held = (name for name, each in values.items() if each is not None and _holds(space[name], each))
    return {name: values[name] for name in held}


def _holds(dimension: Dimension, value: Any) -> bool:
    if isinstance(dimension, CategoricalDistribution):
        return value in dimension.choices
    return dimension.low <= value <= dimension.high


def draw(space: Space, seed: int, stage: int, number: int) -> dict[str, Any]:
    """Return the values of one trial: a function of its arguments, the same in every process."""
    word = np.random.SeedSequence([seed, stage, number]).generate_state(1)[0]
    sampler: Any = optuna.samplers.RandomSampler(int(word))
    return {
        name: sampler.sample_independent(None, None, name, space[name]) for name in sorted(space)
    }


def narrowed(space: Space, best: Sequence[Mapping[str, Any]]) -> Space:
    """Return the part of a space around the values of the best trials, with a margin."""
    return {
        name: _around(dimension, tried) if tried else dimension
        for name, dimension in space.items()
        for tried in [[values[name] for values in best if name in values]]
    }


def _around(dimension: Dimension, values: Sequence[Any]) -> Dimension:
    if isinstance(dimension, CategoricalDistribution):
        return CategoricalDistribution([each for each in dimension.choices if each in values])
    scale, back = (math.log, math.exp) if dimension.log else (float, float)
    margin = MARGIN * (scale(dimension.high) - scale(dimension.low))
    low, high = back(scale(min(values)) - margin), back(scale(max(values)) + margin)
    low, high = max(dimension.low, low), min(dimension.high, high)
    if isinstance(dimension, IntDistribution):
        return IntDistribution(math.floor(low), math.ceil(high), dimension.log)
    return FloatDistribution(low, high, dimension.log)


def space_to_json(space: Mapping[str, Any]) -> dict[str, Any]:
    """Return a space as JSON, in optuna's form."""
    return {name: json.loads(distribution_to_json(each)) for name, each in space.items()}
