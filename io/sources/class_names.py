"""Names of classes: one spelling each."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

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
                classes=[other, name],
            )


def refuse_spellings(places: Mapping[str, Mapping[str, str]]) -> None:
    """Raise if one split spells a class otherwise than another: case, plural, blanks or signs.

    Args:
        places: class to the splits that have images of it, each with the folder that holds them.
    """
    seen: dict[str, str] = {}
    for name, own in places.items():
        other = seen.setdefault(_singular(_as_seen(name)), name)
        if places[other].keys().isdisjoint(own):
            first, second = (next(iter(places[each].values())) for each in (other, name))
            raise SightkitError(
                "A class must be named alike in all splits; these names differ by case, plural, "
                "blanks or signs alone.",
                f"If they are one class, rename {second} to {second.rpartition('/')[0]}/"
                f"{other}; if not, add images of each to both splits.",
                folders=[first, second],
            )


def titled(titles: Sequence[str], classes: Sequence[str]) -> tuple[str, ...]:
    """Return names for people, one a class; with the class where two share one."""
    often = Counter(titles)
    return tuple(
        title if often[title] == 1 else f"{title} ({name})"
        for title, name in zip(titles, classes, strict=True)
    )


def _singular(name: str) -> str:
    """Return the stem that ``horse`` and ``horses``, ``puppy`` and ``puppies`` share."""
    stem = re.sub(r"(?<=\w)[-_]+(?=\w)", "", name)
    if len(stem) < 3:
        return stem
    stem = stem.rstrip("s").removesuffix("e").rstrip("s")
    return re.sub("f$", "v", re.sub("y$", "i", stem))


def _as_seen(name: str) -> str:
    if len(name) == 1:
        return name
    text = unicodedata.normalize("NFKC", printable(name)).casefold()
    return "".join(sign for sign in text if unicodedata.category(sign)[0] not in "ZC")
