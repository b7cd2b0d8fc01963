"""Names of classes: one spelling each."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from sightkit._errors import SightkitError, printable


def refuse_lookalikes(names: Iterable[str]) -> None:
    """Raise if two names differ by case, blanks or invisible characters alone.

    Names of one character are letters, and their case counts.
    """
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(_as_seen(name), name)
        if other != name:
            raise SightkitError(
                "Names of classes must differ by more than case and blanks.",
                "Rename one of them, or move its images to the other.",
                classes=[printable(other), printable(name)],
            )


def _as_seen(name: str) -> str:
    if len(name) == 1:
        return name
    text = unicodedata.normalize("NFKC", printable(name)).casefold()
    return "".join(sign for sign in text if unicodedata.category(sign)[0] not in "ZC")
