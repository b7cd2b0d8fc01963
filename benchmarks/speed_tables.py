"""The tables of docs/speed.md, from the rows that training.py and inference.py wrote as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import measure
import precision

RESULTS = Path(__file__).parent / "results"
COLUMNS = {
    "float32, against Keras": ("float32", "Keras"),
    "bfloat16, against Keras": ("bfloat16", "Keras"),
    "float32, against PyTorch": ("float32", "PyTorch"),
    "bfloat16, against PyTorch": ("bfloat16", "PyTorch"),
}
"""Columns of the training table: precision, and a word of the baseline."""
LIMIT = "its limit"
"""The column after the first, where it was measured: what multiply-adds alone would give."""
LOOKED = " (pairs were added until it was narrow: it holds the truth in about 94 % of cases)"
PACKAGES = {
    "keras": "Keras",
    "tensorflow": "TensorFlow",
    "openvino": "OpenVINO",
    "torch": "PyTorch",
}


def training_table(file: Path = RESULTS / "training.json") -> str:
    """A Markdown table, a line a network; then what is of no single one, and the circumstances."""
    rows = measure.read(file)
    if not rows:
        return _not_measured(file)
    networks = dict.fromkeys(row["network"] for row in rows if "network" in row)
    limited = any(row.get("limit") for row in rows)
    first, *rest = COLUMNS
    head = ["network", first, *([LIMIT] if limited else []), *rest]
    lines = [_line(head), _line(["---"] * len(head))]
    for network in networks:
        own = [row for row in rows if row.get("network") == network]
        ratio, *ratios = (_cell(own, *column) for column in COLUMNS.values())
        lines.append(_line([network, ratio, *([_limit(own)] if limited else []), *ratios]))
    others = [f"{row['name']}: {_ratio(row)}" for row in rows if "network" not in row]
    return "\n".join([*lines, "", *(f"{other}.  " for other in others), _circumstances(rows)])


def precision_sentence(file: Path = precision.RESULTS) -> str:
    """Describe the accuracy of bfloat16, series by series, from the rows of precision.py."""
    rows = precision.read(file)
    series = dict.fromkeys(precision.circumstances(row) for row in rows)
    comparable = {alike: precision.accuracies(rows, alike) for alike in series}
    reported = {
        alike: found for alike, found in comparable.items() if len(precision.paired(found)) > 1
    }
    if not reported:
        return "Accuracy in bfloat16: not measured yet (`python benchmarks/precision.py`)."
    narrowest_first = sorted(reported.items(), key=lambda item: _width(precision.compared(item[1])))
    lines = ". ".join(_series(*item) for item in narrowest_first)
    return (
        "Accuracy in bfloat16, MiniVGGNet on CIFAR-10, the same seeds in both precisions: "
        f"{lines} (`python benchmarks/precision.py`)."
    )


def _width(summary: dict[str, float]) -> float:
    return summary["high"] - summary["low"]


def _series(alike: tuple[str, ...], found: dict[tuple[int, str], float]) -> str:
    epochs, rate = alike[:2]
    summary = precision.compared(found)
    missed = "" if precision.met(summary) else "; **missed**: ≥ -0.3, interval from -1.0"
    half = _width(summary) / 2
    narrow = half <= precision.HALF_WIDTH
    looked = LOOKED if narrow else f", ±{half:.2f} (**missed**: ±{precision.HALF_WIDTH})"
    return (
        f"{epochs} epochs from a rate of {rate}, {summary['pairs']} seeds: "
        f"{summary['float32']:.2f} % of the test images in float32, "
        f"{summary['bfloat16']:.2f} % in bfloat16; paired difference {summary['mean']:+.2f} "
        f"points, 95 % interval {summary['low']:+.2f} to {summary['high']:+.2f}{looked}{missed}"
    )


def inference_table(file: Path = RESULTS / "inference.json") -> str:
    """A Markdown table, a line a row; then the circumstances."""
    rows = measure.read(file)
    if not rows:
        return _not_measured(file)
    lines = [_line(["what", "against", "times as good"]), _line(["---"] * 3)]
    lines += [_line([row["name"], row["baseline"], _ratio(row)]) for row in rows]
    return "\n".join([*lines, "", _circumstances(rows)])


def _not_measured(file: Path) -> str:
    command = f"python benchmarks/{file.stem}.py --json benchmarks/results/{file.name}"
    return f"Not measured yet: `{command}`."


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(rows: list[dict[str, Any]], precision: str, baseline: str) -> str:
    found = [row for row in rows if row["precision"] == precision and baseline in row["baseline"]]
    return _ratio(found[0]) if found else "–"


def _limit(rows: list[dict[str, Any]]) -> str:
    precision, baseline = next(iter(COLUMNS.values()))
    found = [row for row in rows if row["precision"] == precision and baseline in row["baseline"]]
    return f"{found[0]['limit']:.2f}" if found and found[0].get("limit") else "–"


def _ratio(row: dict[str, Any]) -> str:
    """The figure; and the bar where it is missed, so that no table hides it."""
    missed = "" if row["met"] else f" (**missed**: {_bar(row)})"
    return f"{row['ratio']:.2f}{missed}"


def _bar(row: dict[str, Any]) -> str:
    return f"{'≤' if row['at_most'] else '≥'} {row['bar']:g}"


def _circumstances(rows: list[dict[str, Any]]) -> str:
    measure.require_one_machine([row["measured"] for row in rows])
    measured = rows[0]["measured"]
    known = {
        name: version
        for row in rows
        for name, version in row["measured"]["versions"].items()
        if version
    }
    versions = ", ".join(
        f"{title} {known[name]}" for name, title in PACKAGES.items() if name in known
    )
    flags = ", ".join(measured["processor_flags"])
    runs = {(row["measured"]["date"], row["measured"]["load"]) for row in rows}
    days = _ends([date for date, _ in sorted(runs)])
    loads = _ends([f"{load:.1f}" for load in sorted(load for _, load in runs)])
    several = f" in {len(runs)} runs, both sides of a row in one" if len(runs) > 1 else ""
    return (
        f"Measured on {days}{several}: {measured['device']}, {measured['cores']} cores "
        f"({flags}), load {loads} at the end; {versions}."
    )


def _ends(rising: list[str]) -> str:
    """The first and the last; one where they are the same."""
    return rising[0] if rising[0] == rising[-1] else f"{rising[0]} to {rising[-1]}"
