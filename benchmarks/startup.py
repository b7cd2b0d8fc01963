"""Measure how long a script's --help takes, against importing Keras.

    python benchmarks/startup.py [--quick] [--json FILE]

Both are processes of their own, interleaved, medians. The bar: importing Keras takes at least ten
times as long, and --help answers in under a second.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from sightkit import _cli, _files

SCRIPT = Path(__file__).parents[1] / "scripts" / "train_lenet_digits.py"


@dataclass(frozen=True)
class Config:
    """Time --help against import keras."""

    quick: bool = False
    """Three rounds in place of nine."""
    json: Path | None = None
    """File to write the rows to."""


def main(config: Config) -> list[dict[str, object]]:
    commands = {
        "help": [sys.executable, str(SCRIPT), "--help"],
        "import keras": [sys.executable, "-c", "import keras"],
    }
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(3 if config.quick else 9):
        for name, command in commands.items():
            start = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            seconds[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    for name, median in medians.items():
        print(f"{name:<14}{median:8.3f} s  (median of {len(seconds[name])})")
    rows: list[dict[str, object]] = [
        _row("help", "import keras", medians["import keras"] / medians["help"], 10),
        _row("help", "one second", 1 / medians["help"], 1),
    ]
    for row in rows:
        print(f"{row['name']} against {row['baseline']}: {row['ratio']:.1f}x, bar {row['bar']}x")
    if config.json:
        _files.write_json(config.json, rows)
    return rows


def _row(name: str, baseline: str, ratio: float, bar: float) -> dict[str, object]:
    return {"name": name, "baseline": baseline, "ratio": ratio, "bar": bar, "met": ratio >= bar}


if __name__ == "__main__":
    _cli.run(main, Config)
