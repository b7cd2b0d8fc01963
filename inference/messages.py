"""Warnings about engines on stderr, and errors in one line."""

from __future__ import annotations

import sys

_warned: set[str] = set()


def warn(line: str, *, once: bool = False) -> None:
    """Print one line on stderr; with ``once`` no second time in this process."""
    if once and line in _warned:
        return
    _warned.add(line)
    print(line, file=sys.stderr)


def short(error: Exception) -> str:
    """Return an error in one line of 200 characters at most."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:200]
