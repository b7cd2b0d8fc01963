"""Time two ways of doing one thing side by side; what every benchmark shares."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sightkit import _files

Row = dict[str, Any]


def interleaved(
    contestants: Mapping[str, Callable[[], object]], *, rounds: int
) -> dict[str, float]:
    """Median seconds of each contestant; they take turns, and the first round does not count.

    Each round begins with another one, so that none always runs on the caches of the same
    neighbour.
    """
    names = list(contestants)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds + 1):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            start = time.perf_counter()
            contestants[name]()
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def at_least(name: str, baseline: str, ratio: float, bar: float, **figures: Any) -> Row:
    """A row whose ratio says how many times better ours is than the baseline."""
    row = {"name": name, "baseline": baseline, "ratio": ratio, "bar": bar, "met": ratio >= bar}
    return {**row, "at_most": False, **figures}


def at_most(name: str, baseline: str, ratio: float, bar: float, **figures: Any) -> Row:
    """A row whose ratio says how many times as much ours takes as the baseline."""
    row = {"name": name, "baseline": baseline, "ratio": ratio, "bar": bar, "met": ratio <= bar}
    return {**row, "at_most": True, **figures}


def report(rows: Sequence[Row], file: Path | None) -> None:
    """Print a table of the rows, and write them as JSON if a file is named."""
    width = max(len(row["name"]) for row in rows)
    against = max(len(row["baseline"]) for row in rows)
    for row in rows:
        sign = "<=" if row["at_most"] else ">="
        verdict = "met" if row["met"] else "MISSED"
        print(
            f"{row['name']:<{width}}  against {row['baseline']:<{against}}  "
            f"{row['ratio']:7.2f}  bar {sign} {row['bar']:<5g} {verdict}"
        )
    if file is not None:
        _files.write_text(file, json.dumps(rows, indent=2) + "\n")
