"""Named points at which a test of faults lets a process die."""

from __future__ import annotations

import os

CRASH_VARIABLE = "SIGHTKIT_CRASH_AT"

_crash_counts: dict[str, int] = {}


def crash_point(name: str) -> None:
    """Die here, as by kill -9, if SIGHTKIT_CRASH_AT is ``name``; at the third call, ``name:3``."""
    wanted = os.environ.get(CRASH_VARIABLE)
    if not wanted:
        return
    point, _, times = wanted.partition(":")
    if point == name:
        _crash_counts[name] = _crash_counts.get(name, 0) + 1
        if _crash_counts[name] >= int(times or 1):
            os._exit(137)
