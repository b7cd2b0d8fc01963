"""What is said of engines on stderr, and how errors are said there."""

from __future__ import annotations

import sys

_told: set[str] = set()


def tell(line: str, *, once: bool = False) -> None:
    """One line on stderr; with ``once`` no second time in this process."""
    if once and line in _told:
        return
    _told.add(line)
    print(line, file=sys.stderr)


def short(error: Exception) -> str:
    """An error in one line of 200 characters at most."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:200]
