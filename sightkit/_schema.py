"""Descriptions that are read back: JSON, compared with a type before anything is made of it.

A type is what ``typing`` has: a ``TypedDict`` of ``typing_extensions``, a dataclass, a list of
them. pydantic compares in its strict mode: a number is no text, True is no number, and there is no
field more or less. It is imported by the first description that is read.
"""

from __future__ import annotations

import functools
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from annotated_types import Ge, Gt, MaxLen, MinLen

from sightkit._errors import SightkitError
from sightkit._regular_file import read_regular_file

if TYPE_CHECKING:
    from pydantic import TypeAdapter

MOST_BYTES = 2**22
"""Of a description; that of NASNetLarge takes 1.2 MB."""

Name = Annotated[str, MinLen(1), MaxLen(1_000)]
Names = Annotated[list[Name], MinLen(1)]
Count = Annotated[int, Ge(1)]
Whole = Annotated[int, Ge(0)]
Positive = Annotated[float, Gt(0)]
Sha256 = Annotated[str, MinLen(64), MaxLen(64)]

Described = TypeVar("Described")


class NewerVersion(ValueError):
    """A description of a schema that is not known here."""


def read(
    path: str | os.PathLike[str],
    kind: type[Described],
    next_step: str = "It may be damaged.",
    *,
    more: bool = False,
) -> Described:
    """Read a JSON file of a type: no link, 4 MiB and 200 levels at most.

    Args:
        path: the file.
        kind: the type.
        next_step: of the error.
        more: whether there may be fields beside those of the type.

    Raises:
        SightkitError: it cannot be read, is no JSON, of a newer version, or holds something else.
    """
    try:
        return parse(read_regular_file(path, MOST_BYTES, follow_links=False), kind, more=more)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        if isinstance(error, NewerVersion):
            next_step = "Update sightkit."
        raise SightkitError(
            f"{Path(path).name} must be as it was written: {reason}.", next_step, path=str(path)
        ) from error


def parse(text: str | bytes, kind: type[Described], *, more: bool = False) -> Described:
    """Return the value of a type that JSON holds, see ``read``.

    Raises:
        ValueError: no JSON (NaN and infinity are none), or of another type; in one line.
    """
    from pydantic import ValidationError
    from pydantic_core import from_json

    from_json(text, allow_inf_nan=False)
    try:
        extra = "allow" if more else "forbid"
        return _adapter(kind).validate_json(text, strict=True, extra=extra)
    except ValidationError as error:
        first, *others = error.errors(include_url=False)
        place = ".".join(map(str, first["loc"]))[:200] or "the whole"
        newest, found = first.get("ctx", {}).get("expected", ""), first["input"]
        if place == "schema" and type(found) is int and found > int(newest):
            raise NewerVersion(f"a newer version wrote it (schema {found})") from error
        rest = f", and {len(others)} more" if others else ""
        raise ValueError(f"{place}: {first['msg'][0].lower()}{first['msg'][1:]}{rest}") from error


def checked(value: Any, kind: Any, *, more: bool = False) -> Any:
    """Return the value of a type that a value of JSON is, see ``read``.

    Raises:
        ValueError: it is of another type; in one line.
    """
    return parse(json.dumps(value), kind, more=more)


@functools.cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)
