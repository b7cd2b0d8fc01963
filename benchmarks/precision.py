"""Measure the accuracy of bfloat16: MiniVGGNet on CIFAR-10, the same seeds in both precisions.

    python benchmarks/precision.py [--pairs 8] [--epochs 10] [--learning-rate 0.02] [--quick]

Each seed is trained twice by scripts/train_minivggnet_cifar10.py, once in float32 and once in
bfloat16: same first weights, same order of images, same rate that falls to zero. A run goes to
results/precision.csv as soon as it is done, and one that is there is not measured again: the
command can be ended and given again. Rows are compared where epochs, learning rate, device and
versions of Keras and TensorFlow are those of now; others are left alone. Their commits may differ:
a run's bits are the same with each, unless one changed what is computed, and then its rows must be
deleted.

From five pairs on they are added until the 95 % interval of the mean difference (paired t) is at
most 0.7 points to each side, or until ``--pairs``. Looking after each pair costs the interval a
little: of 200,000 made series whose differences spread by 0.8 points (standard deviation), 94.0 %
had the truth in it at the end, of such that spread by 0.5 to 1.4 points, 93.5 to 95.0 %. Looking
from the second pair on, it would have been 89 %.
"""

from __future__ import annotations

import csv
import datetime
import json
import math
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import measure
import numpy as np

from sightkit import _cli, _run_files
from sightkit._errors import SightkitError
from sightkit.experiments.differences import mean_difference

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "precision.csv"
SCRIPT = "train_minivggnet_cifar10"
PRECISIONS = ("float32", "bfloat16")
HALF_WIDTH, FEWEST = 0.7, 5
"""Percentage points, and pairs: from so many on they are added until the interval is as narrow."""
CIRCUMSTANCES = ("epochs", "learning_rate", "device", "keras", "tensorflow")
"""Columns that are equal in rows that are compared."""
BAR_MEAN, BAR_LOW = -0.3, -1.0
"""Least mean difference, and least lower end of its interval, in percentage points."""


@dataclass(frozen=True)
class Config:
    """Compare the accuracy of bfloat16 and float32."""

    pairs: int = 8
    """Most seeds."""
    epochs: int = 10
    """Of each training."""
    learning_rate: float = 0.02
    """Of each training, at its start. From the script's own, 0.05, twelve runs ended at training
    losses from 1.00 to 1.27, as many from 0.02 at 1.14 to 1.18."""
    output: Path = RESULTS
    """The CSV file; rows of other circumstances in it are left alone."""
    quick: bool = False
    """Two pairs of smoke runs, written under runs/: a test whose figures mean nothing."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        if self.pairs < 2:
            raise SightkitError("--pairs must be at least 2: one has no spread.", pairs=self.pairs)
        if self.quick:
            object.__setattr__(self, "pairs", 2)
            object.__setattr__(self, "output", ROOT / "runs" / "precision" / "quick.csv")


def main(config: Config) -> dict[str, float]:
    _cli.start_keras()
    here = circumstances(_settings(config) | _machine(measure.facts()))
    rows = [] if config.quick else read(config.output)
    summary: dict[str, float] = {}
    for seed in range(1, config.pairs + 1):
        for precision in PRECISIONS:
            if (seed, precision) not in accuracies(rows, here):
                row = _train(config, seed, precision)
                _require_made_here(row, here)
                rows.append(row)
                measure.write_csv(config.output, rows)
        summary = compared(accuracies(rows, here))
        if seed > 1:
            print(
                f"{seed} pairs, bfloat16 - float32: {summary['mean']:+.2f} points, 95 % interval "
                f"[{summary['low']:+.2f}, {summary['high']:+.2f}]"
            )
            if seed >= FEWEST and summary["high"] - summary["low"] <= 2 * HALF_WIDTH:
                break
    print(f"bars {BAR_MEAN} and {BAR_LOW}: {'met' if met(summary) else 'MISSED'}")
    return summary


def compared(found: dict[tuple[int, str], float]) -> dict[str, float]:
    """Both means over the seeds that have both, their difference and its 95 % interval, in %."""
    seeds = paired(found)
    both = 100 * np.array([[found[seed, precision] for precision in PRECISIONS] for seed in seeds])
    differences = (both[:, 1] - both[:, 0]).tolist()
    mean, low, high = differences[0], -math.inf, math.inf
    if len(differences) > 1:
        mean, low, high = mean_difference(differences)
    means = dict(zip(PRECISIONS, both.mean(0).tolist(), strict=True))
    return {"pairs": len(differences), **means, "mean": mean, "low": low, "high": high}


def paired(found: dict[tuple[int, str], float]) -> list[int]:
    """The seeds that were trained in both precisions."""
    return [seed for seed, precision in found
            if precision == PRECISIONS[1] and (seed, PRECISIONS[0]) in found]  # fmt: skip


def met(summary: dict[str, float]) -> bool:
    """Return True where bfloat16 is as accurate as it must be."""
    return summary["mean"] >= BAR_MEAN and summary["low"] >= BAR_LOW


def _train(config: Config, seed: int, precision: str) -> dict[str, Any]:
    name = f"{precision}-{seed}-{config.epochs}-{config.learning_rate}"
    folder = ROOT / "runs" / "precision" / name
    if config.quick:
        folder, flags = folder.with_name(f"{precision}-{seed}-quick"), ["--smoke", "--overwrite"]
    else:  # one that was killed goes on where it was
        flags = ["--epochs", str(config.epochs), "--resume"]
    command = [
        sys.executable,
        str(ROOT / "scripts" / f"{SCRIPT}.py"),
        *flags,
        *("--learning-rate", str(config.learning_rate)),
        *("--seed", str(seed), "--precision", precision, "--output", str(folder)),
    ]
    if code := subprocess.run(command, check=False, cwd=ROOT).returncode:
        raise SightkitError(
            f"The run of seed {seed} in {precision} ended with exit code {code}.",
            "Its own message is above; give the same command again to continue.",
        )
    test = json.loads((folder / _run_files.METRICS).read_text())["test"]
    environment = json.loads((folder / _run_files.ENVIRONMENT).read_text())
    return {
        "date": datetime.date.today().isoformat(),
        **_settings(config),
        "seed": seed,
        "precision": precision,
        "rank1": test["rank1"],
        "loss": test["loss"],
        "count": test["count"],
        **_machine(environment),
        "commit": environment["commit"],
    }


def _settings(config: Config) -> dict[str, Any]:
    return {"epochs": config.epochs, "learning_rate": config.learning_rate}


def _machine(environment: dict[str, Any]) -> dict[str, Any]:
    return {
        "device": environment["device"],
        "cores": len(os.sched_getaffinity(0)),
        "keras": environment["versions"]["keras"],
        "tensorflow": environment["versions"]["tensorflow"],
    }


def _require_made_here(row: dict[str, Any], here: tuple[str, ...]) -> None:
    """A run that was finished before this one may have been resumed."""
    if circumstances(row) != here:
        raise SightkitError(
            "A run must be made with device and versions of the others.",
            "Delete its folder under runs/precision and give the same command again.",
            seed=row["seed"],
            precision=row["precision"],
            made_with=circumstances(row),
            now=here,
        )


def read(path: Path = RESULTS) -> list[dict[str, Any]]:
    """The rows of the ledger; none where there is no file."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def circumstances(row: dict[str, Any]) -> tuple[str, ...]:
    """Return what must be equal in rows that are compared."""
    return tuple(str(row.get(name) or "") for name in CIRCUMSTANCES)


def accuracies(rows: list[dict[str, Any]], alike: tuple[str, ...]) -> dict[tuple[int, str], float]:
    """(seed, precision) to rank-1 accuracy on the test images, of the rows with ``alike``."""
    return {
        (int(row["seed"]), row["precision"]): float(row["rank1"])
        for row in rows
        if circumstances(row) == alike
    }


if __name__ == "__main__":
    _cli.run(main, Config)
