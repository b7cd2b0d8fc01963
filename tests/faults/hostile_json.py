"""What may stand in JSON, and what is none."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Raw:
    """Text in the place of a value of JSON."""

    text: str


def text_of(value: Any) -> str:
    """JSON as ``bundle_format.digest`` sees it, with its raw parts."""
    raws: list[str] = []

    def encoded(raw: Raw) -> str:
        raws.append(raw.text)
        return f"@{len(raws) - 1}@"

    text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=encoded)
    for number, raw in enumerate(raws):
        text = text.replace(f'"@{number}@"', raw)
    return text


DEEP, DEEPER = "[" * 150 + "]" * 150, "[" * 100_000 + "]" * 100_000
VALUES: dict[str, Any] = {
    "null": None,
    "true": True,
    "minus one": -1,
    "zero": 0,
    "half": 0.5,
    "large": 10**9,
    "huge": Raw("1" + "0" * 30),
    "bigint": Raw("9" * 6_000),
    "float without end": Raw("1e999"),
    "nan": Raw("NaN"),
    "empty text": "",
    "text": "x",
    "path": "../../../etc/passwd",
    "control": "a\x1b]0;b\x07\n",
    "surrogate": Raw('"\\ud800"'),
    "long text": "x" * 100_000,
    "empty list": [],
    "lists": [[1], [2]],
    "texts": ["a", "b"],
    "nulls": [None, None, None],
    "empty object": {},
    "object": {"a": 1, "__class__": "os.system"},
    "deep": Raw(DEEP),
    "deeper": Raw(DEEPER),
}


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the places of a value of JSON; of lists the first two elements."""
    items: Iterable[Any] = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = list(enumerate(value))[:2]
    for key, each in items:
        yield (*place, key)
        yield from places(each, (*place, key))


def changed(value: Any, place: tuple[Any, ...], new: Any) -> Any:
    """Return a copy with another value at a place; ``...`` deletes it."""
    value = copy.deepcopy(value)
    inner = value
    for key in place[:-1]:
        inner = inner[key]
    if new is ...:
        del inner[place[-1]]
    else:
        inner[place[-1]] = new
    return value


def json_values(value: Any, count: int, seed: int = 0) -> dict[str, Any]:
    """Draw so many changes of a value of JSON: another kind, nothing, something more."""
    all_places = list(places(value))
    found: dict[str, Any] = {}
    for place in all_places:
        dotted = ".".join(map(str, place))
        found[f"{dotted} missing"] = (place, ...)
        found |= {f"{dotted} {name}": (place, new) for name, new in VALUES.items()}
    for place in [(), *all_places]:
        inner = value
        for key in place:
            inner = inner[key]
        if isinstance(inner, dict):
            found[f"{'.'.join(map(str, place))} more"] = ((*place, "more"), 1)
    names = sorted(found)
    random.Random(seed).shuffle(names)
    return {name: changed(value, *found[name]) for name in names[:count]}


def json_texts(text: str) -> dict[str, bytes]:
    """Return what is no JSON, or JSON as nobody writes it."""
    whole = text.encode()
    return {
        "cut": whole[: len(whole) // 2],
        "cut by a byte": whole.rstrip()[:-1],
        "twice": whole + whole,
        "bom": b"\xef\xbb\xbf" + whole,
        "utf-16": text.encode("utf-16"),
        "latin-1": text.replace("bee", "b\xe9e").encode("latin-1", "replace"),
        "null": b"null",
        "list": b"[" + whole + b"]",
        "text": json.dumps(text).encode(),
        "number": b"7",
        "comment": b"// a\n" + whole,
        "single quotes": whole.replace(b'"', b"'"),
        "zero bytes": whole + b"\0",
        "deep": b'{"a":' * 100_000,
        "deep and whole": DEEPER.encode(),
        "bigint": b"9" * 100_000,
        "large": b" " * 2**27 + whole,
        "many": b'{"a": [' + b"1," * 2**22 + b"1]}",
    }
