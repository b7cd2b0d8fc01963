"""Shorten names for pictures: one line, in letters that the font has."""

from __future__ import annotations

from functools import cache

from matplotlib import font_manager


def legible(name: str, otherwise: str, longest: int) -> str:
    """Return a name for a picture; draw it with ``parse_math=False``, or ``$`` starts a formula.

    Args:
        name: any text.
        otherwise: for a name without letters, or with some that Matplotlib's font lacks (they
            would be empty boxes, and a warning each).
        longest: number of characters; of a longer name the middle is left out, because names
            differ at their ends too.
    """
    words = "".join(letter if letter.isprintable() else " " for letter in name).split()
    line = " ".join(words)
    if not line or not all(ord(letter) in _letters() for letter in line):
        return otherwise
    if len(line) <= longest:
        return line
    ending = longest // 3
    return f"{line[: longest - ending - 1]}…{line[-ending:]}"


@cache
def _letters() -> frozenset[int]:
    """Code points of the font that pictures are drawn in."""
    path = font_manager.findfont(font_manager.FontProperties())
    return frozenset(font_manager.get_font(path).get_charmap())
