"""Spaces of a search: intervals and lists, by name of a ``Config``'s field."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sightkit._errors import SightkitError

FACTOR = 100.0
"""The default space of a rate reaches that many times below and above the script's own value."""
BY_FACTOR = ("learning_rate", "reg", "weight_decay")
MARGIN = 0.1
"""Share of an interval on either side of the best values when it is narrowed."""


@dataclass(frozen=True)
class Interval:
    """Numbers from ``low`` to ``high``, drawn uniformly, or uniformly in their logarithm.

    Attributes:
        low: smallest.
        high: largest; above ``low``.
        log: whether the logarithm is uniform; ``low`` is above 0 then.
        whole: whether values are whole numbers.
    """

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def draw(self, rng: np.random.Generator) -> float | int:
        """Return a value."""
        low, high = self._scaled(self.low), self._scaled(self.high)
        value = low + (high - low) * rng.random()
        value = min(max(math.exp(value) if self.log else value, self.low), self.high)
        return round(value) if self.whole else value

    def around(self, values: Sequence[Any]) -> Interval:
        """Return the part of the interval that holds these values, and a margin."""
        margin = MARGIN * (self._scaled(self.high) - self._scaled(self.low))
        low = self._scaled(min(values)) - margin
        high = self._scaled(max(values)) + margin
        if self.log:
            low, high = math.exp(low), math.exp(high)
        if self.whole:
            low, high = math.floor(low), math.ceil(high)
        return dataclasses.replace(self, low=max(self.low, low), high=min(self.high, high))

    def _scaled(self, value: float) -> float:
        return math.log(value) if self.log else float(value)


@dataclass(frozen=True)
class Choice:
    """One of several values, drawn with equal probability."""

    values: tuple[Any, ...]

    def draw(self, rng: np.random.Generator) -> Any:
        """Return a value."""
        return self.values[int(rng.integers(len(self.values)))]

    def around(self, values: Sequence[Any]) -> Choice:
        """Return those of the values that are among these."""
        return Choice(tuple(value for value in self.values if value in values))


Space = dict[str, Interval | Choice]


def default_space(config: Any) -> Space:
    """Return the space of a script's ``Config`` where none is requested.

    ``learning_rate``, ``reg`` and ``weight_decay``: a hundredth to a hundred times the value in
    ``config``, uniform in the logarithm; a value of 0 is left alone. ``batch_size``: half of it,
    itself, and its double. Everything else stays as it is.
    """
    values = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
    space: Space = {
        name: Interval(values[name] / FACTOR, values[name] * FACTOR, log=True)
        for name in BY_FACTOR
        if isinstance(values.get(name), float) and values[name] > 0
    }
    size = values["batch_size"]
    space["batch_size"] = Choice(tuple(sorted({max(1, size // 2), size, 2 * size})))
    return space


def parse_space(texts: Sequence[str], config: Any) -> Space:
    """Read dimensions as a command line gives them.

    Args:
        texts: ``"learning_rate=1e-4:1e-1:log"``, ``"dropout=0.1:0.6"``, ``"batch_size=32,64"``.
        config: whose fields are named; values become of their kinds.

    Raises:
        SightkitError: a text of another form, a field that does not exist or is no number or text,
            an interval that is none.
    """
    space: Space = {}
    for text in texts:
        name, found, values = text.partition("=")
        name = name.strip().replace("-", "_")
        if not found or not values:
            raise _unreadable(text)
        fields = {field.name for field in dataclasses.fields(config)}
        if name not in fields or name in space:
            raise SightkitError(
                "A dimension names a field of the experiment's Config, and each one once.",
                f"It has {', '.join(sorted(fields))}.",
                space=text,
            )
        kind = type(getattr(config, name))
        if kind not in (int, float, str):
            raise SightkitError("Only numbers and texts can be searched for.", space=text)
        space[name] = _dimension(text, values, kind)
    return space


def _dimension(text: str, values: str, kind: type) -> Interval | Choice:
    if ":" not in values:
        return Choice(tuple(_value(text, part, kind) for part in values.split(",")))
    low, high, *scale = values.split(":")
    if scale not in ([], ["log"], ["linear"]) or kind is str:
        raise _unreadable(text)
    interval = Interval(_value(text, low, kind), _value(text, high, kind), scale == ["log"])
    if not (math.isfinite(interval.low) and math.isfinite(interval.high)):
        raise _unreadable(text)
    if not interval.low < interval.high or (interval.log and interval.low <= 0):
        raise SightkitError(
            "An interval goes from a lower to a higher number; with log both are above 0.",
            "Give name=1e-4:1e-1:log, for example.",
            space=text,
        )
    return dataclasses.replace(interval, whole=kind is int)


def _value(text: str, part: str, kind: type) -> Any:
    try:
        return kind(part.strip())
    except ValueError as error:
        raise _unreadable(text) from error


def _unreadable(text: str) -> SightkitError:
    return SightkitError(
        "A dimension is name=low:high, name=low:high:log or name=a,b,c.",
        "Give learning_rate=1e-4:1e-1:log, for example.",
        space=text,
    )


def draw(space: Space, seed: int, stage: int, number: int) -> dict[str, Any]:
    """Return the values of one trial: a function of its arguments, the same in every process."""
    return {
        name: space[name].draw(np.random.default_rng([seed, stage, number, place]))
        for place, name in enumerate(sorted(space))
    }


def narrowed(space: Space, best: Sequence[Mapping[str, Any]]) -> Space:
    """Return the part of a space around the values of the best trials."""
    return {
        name: dimension.around([values[name] for values in best])
        for name, dimension in space.items()
    }


def space_to_json(space: Space) -> dict[str, Any]:
    """Return a space as JSON."""
    return {
        name: {"values": list(dimension.values)}
        if isinstance(dimension, Choice)
        else dataclasses.asdict(dimension)
        for name, dimension in space.items()
    }


def space_from_json(stored: Mapping[str, Any]) -> Space:
    """Return the space of ``space_to_json``."""
    return {
        name: Choice(tuple(fields["values"])) if "values" in fields else Interval(**fields)
        for name, fields in stored.items()
    }
