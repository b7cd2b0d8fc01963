"""Time two ways of doing one thing side by side; what every benchmark shares."""

from __future__ import annotations

import csv
import datetime
import io
import json
import os
import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

from sightkit import _files
from sightkit._errors import SightkitError

Row = dict[str, Any]
BASELINES = ("openvino", "torch")
"""Packages whose versions count too where they are installed."""


class Cost(NamedTuple):
    """Medians over rounds: processor time of all threads, and time on the wall."""

    cpu: float
    wall: float


def interleaved(
    contestants: Mapping[str, Callable[[], object]], *, rounds: int
) -> dict[str, float]:
    """Median seconds of each contestant; they take turns, and the first round does not count.

    Each round has an order of its own, so that none always runs after the same neighbour: what one
    leaves behind (caches, threads that still wait) cost the next up to 7 %.
    """
    costs = interleaved_costs(contestants, rounds=rounds)
    return {name: cost.wall for name, cost in costs.items()}


def interleaved_costs(
    contestants: Mapping[str, Callable[[], object]], *, rounds: int
) -> dict[str, Cost]:
    """The same, with processor seconds too: they are steadier where others use the machine."""
    names = list(contestants)
    cpu: dict[str, list[float]] = {name: [] for name in names}
    wall: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds + 1):
        for name in random.Random(turn).sample(names, len(names)):
            start, cpu_start = time.perf_counter(), time.process_time()
            contestants[name]()
            if turn:
                cpu[name].append(time.process_time() - cpu_start)
                wall[name].append(time.perf_counter() - start)
    return {
        name: Cost(statistics.median(cpu[name]), statistics.median(wall[name])) for name in names
    }


def untuned(dataset: Any) -> Any:
    """Return a tf.data pipeline after which nobody waits; see ``sightkit.training.data_adapter``.

    For both sides of a ratio: the waits come by chance and are longer than what is measured.
    """
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)


def at_least(name: str, baseline: str, ratio: float, bar: float, **figures: Any) -> Row:
    """Return a row whose ratio is how many times better ours is; bar 0 for none."""
    row = {"name": name, "baseline": baseline, "ratio": ratio, "bar": bar, "met": ratio >= bar}
    return {**row, "at_most": False, **figures}


def at_most(name: str, baseline: str, ratio: float, bar: float, **figures: Any) -> Row:
    """Return a row whose ratio is how many times as much ours takes as the baseline."""
    row = {"name": name, "baseline": baseline, "ratio": ratio, "bar": bar, "met": ratio <= bar}
    return {**row, "at_most": True, **figures}


def report(rows: Sequence[Row], file: Path | None) -> None:
    """Print a table of the rows, and write them as JSON if a file is named, each with ``facts``."""
    width = max(len(row["name"]) for row in rows)
    against = max(len(row["baseline"]) for row in rows)
    for row in rows:
        sign = "<=" if row["at_most"] else ">="
        verdict = "met" if row["met"] else "MISSED"
        bar = f"bar {sign} {row['bar']:<5g} {verdict}" if row["bar"] else "no bar here"
        sides = f"{row['name']:<{width}}  against {row['baseline']:<{against}}"
        print(f"{sides}  {row['ratio']:7.2f}  {bar}")
    if file is not None:
        write(rows, file)


def write(rows: Sequence[Row], file: Path) -> None:
    """Write rows as JSON, each with ``facts``; those of an earlier run keep theirs."""
    measured = facts()
    text = json.dumps(
        [{**row, "measured": row.get("measured", measured)} for row in rows], indent=2
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    _files.write_text(file, text + "\n")


def read(file: Path) -> list[Row]:
    """The rows that were written; none where there is no file."""
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []


def stored_rows(file: Path | None, networks: Sequence[str]) -> list[Row]:
    """Read the rows of a file; none if only those of these networks would remain.

    Raises:
        SightkitError: those that remain were measured on another machine or with other versions.
    """
    rows = [row for row in read(file) if "network" in row] if file is not None else []
    remaining = [row for row in rows if row["network"] not in networks]
    if not remaining:
        return []
    require_one_machine([facts(), *(row["measured"] for row in remaining)])
    print(f"{len(remaining)} rows of other networks remain in {file}")
    return rows


def replaced(rows: Sequence[Row], network: str, found: Sequence[Row]) -> list[Row]:
    """The rows, a network's own replaced: in its old place, at the end if it is new."""
    order = [*dict.fromkeys(row["network"] for row in rows), network]
    others = [row for row in rows if row["network"] != network]
    return sorted([*others, *found], key=lambda row: order.index(row["network"]))


def require_one_machine(measured: Sequence[Mapping[str, Any]]) -> None:
    """Refuse ``facts`` of rows that do not belong in one table.

    A package that one of them lacks is ignored: no row of it was measured there.

    Raises:
        SightkitError: they differ in device, cores, flags or in a version of what is measured.
    """
    found = {name: [each[name] for each in measured] for name in ("device", "cores")}
    found["flags"] = [" ".join(each["processor_flags"]) for each in measured]
    for package in ("keras", "tensorflow", *BASELINES):
        versions = [each["versions"].get(package) for each in measured]
        found[package] = [version for version in versions if version]
    differing = {name: list(dict.fromkeys(values)) for name, values in found.items()}
    differing = {name: values for name, values in differing.items() if len(values) > 1}
    if differing:
        raise SightkitError(
            "Rows of one table must come from one machine with the same versions.",
            "Measure all of them anew, or write to another file.",
            **differing,
        )


def facts() -> dict[str, Any]:
    """When and on what it was measured, as JSON; ratios are those of such a processor."""
    from sightkit.training.environment import describe_environment

    environment = describe_environment()
    found = {name: environment[name] for name in ("device", "processor_flags", "cores", "versions")}
    for name in BASELINES:
        found["versions"][name] = _version(name)
    return {"date": datetime.date.today().isoformat(), "load": os.getloadavg()[0], **found}


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def write_csv(path: Path, rows: Sequence[Row]) -> None:
    """Write rows of the same columns; the file is replaced atomically."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    _files.write_text(path, text.getvalue())
